// The search's worker, where a browser allows none: pages that are opened from a folder (file:). It runs in a hidden frame of
// the page instead, with a worker's names: postMessage, importScripts, close.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super()
      this.onmessage = null
      this.waiting = []
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      document.documentElement.append(this.frame)
      const inner = this.frame.contentWindow
      inner.postMessage = (data) => this.tell(this, data)
      inner.close = () => this.terminate()
      inner.importScripts = (...addresses) => Promise.all(addresses.map((each) => this.load(each)))
      this.load(new URL(address, document.baseURI).href).then(() => {
        const waiting = this.waiting
        this.waiting = null
        waiting.forEach((data) => this.tell(inner, data))
      })
    }

    postMessage(data) {
      if (this.waiting) this.waiting.push(data)
      else this.tell(this.frame.contentWindow, data)
    }

    terminate() {
      this.frame.remove()
    }

    // Give `data` to a page or a worker, later, as a browser does.
    tell(target, data) {
      setTimeout(() => {
        const event = new MessageEvent("message", { data })
        target.dispatchEvent(event)
        if (target === this && this.onmessage) this.onmessage(event)
      })
    }

    load(address) {
      return new Promise((resolve, reject) => {
        const script = this.frame.contentDocument.createElement("script")
        script.src = address
        script.onload = resolve
        script.onerror = () => reject(new Error(`${address} could not be loaded`))
        this.frame.contentDocument.documentElement.append(script)
      })
    }
  }
}
