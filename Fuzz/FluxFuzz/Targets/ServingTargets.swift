import Foundation

@testable import Flux
@testable import Images
@testable import Serving
@testable import Support

extension FuzzTarget {
  /// What clients of the server send: forms, the bodies of the three interfaces, and images in base64.
  static var serving: [FuzzTarget] {
    [
      FuzzTarget("form", dictionary: "form", seeds: { ServingSeeds.forms }) { bytes in
        // The first line is the rest of the content type.
        let line = bytes.prefix { $0 != 10 }
        let body = Array(bytes.dropFirst(line.count + 1))
        let form = try MultipartForm(body, type: "multipart/form-data;\(String(decoding: line, as: UTF8.self))")
        demand(form.parts.count <= MultipartForm.mostParts, "\(form.parts.count) entries")
        demand(form.parts.reduce(0) { $0 + $1.bytes.count } <= body.count, "more bytes than were sent")
      },
      request("native-request", seeds: { ServingSeeds.native }) { bytes, service in
        try NativeRequest.order(bytes, service)
      },
      request("openai-generation", seeds: { ServingSeeds.openAI }) { bytes, service in
        try OpenAIRequest(ServingSeeds.request(bytes), .generation, service).order
      },
      request("openai-edit", seeds: { try ServingSeeds.edits() }) { bytes, service in
        try OpenAIRequest(ServingSeeds.request(bytes), .edit, service).order
      },
      request("openai-variation-form", dictionary: "form", seeds: { try ServingSeeds.imageForms() }) { bytes, service in
        let type = "multipart/form-data; boundary=b"
        return try OpenAIRequest(ServingSeeds.request(bytes, type: type), .variation, service).order
      },
      request("web-ui-text", seeds: { ServingSeeds.webUI }) { bytes, service in
        try A1111Request(bytes, hasImage: false, service).order
      },
      request("web-ui-image", seeds: { try ServingSeeds.webUIImages() }) { bytes, service in
        try A1111Request(bytes, hasImage: true, service).order
      },
      FuzzTarget("client-image", dictionary: "request", seeds: { try ServingSeeds.base64() }) { bytes in
        let image = try ClientImage.read(String(decoding: bytes, as: UTF8.self), "image", ServingSeeds.limits)
        demand(image.width * image.height <= ServingSeeds.limits.pixels, "\(image.width)×\(image.height) pixels")
      },
    ]
  }

  /// A target that reads a body into an order, which has to keep the limits; a refusal is the client's fault.
  private static func request(
    _ name: String, dictionary: String = "request", seeds: @escaping () throws -> [[UInt8]],
    read: @escaping ([UInt8], FluxService) throws -> ImageOrder
  ) -> FuzzTarget {
    FuzzTarget(name, dictionary: dictionary, seeds: seeds) { bytes in
      do {
        let (order, limits) = (try read(bytes, ServingSeeds.service), ServingSeeds.limits)
        demand((1...limits.images).contains(order.count), "\(order.count) images")
        demand((0...limits.steps).contains(order.steps), "\(order.steps) steps")
        let (width, height) = (order.request.width ?? 1, order.request.height ?? 1)
        demand(width > 0 && height > 0 && width * height <= limits.drawnPixels, "\(width)×\(height) pixels")
      } catch let error as RequestError {
        demand((400...422).contains(error.status), "\(error.status): \(error)")
        throw error
      }
    }
  }
}

/// A service that draws nothing, and requests that it accepts.
private enum ServingSeeds {
  static let limits: ServerLimits = {
    var limits = ServerLimits()
    limits.pixels = 1 << 18
    return limits
  }()

  static let service: FluxService = {
    let (model, encoder) = (URL(fileURLWithPath: "models/mini"), URL(fileURLWithPath: ".deps/minilm"))
    do {
      let catalog = ModelCatalog([try ServedModel(directory: model, textEncoder: encoder)])
      let metrics = ServerMetrics()
      return FluxService(
        catalog: catalog, queue: JobQueue(limits: limits, metrics: metrics), metrics: metrics, limits: limits,
        access: AccessRules())
    } catch { fatalError("run make setup first: \(error)") }
  }()

  static func request(_ body: [UInt8], type: String = "application/json") -> ServerRequest {
    ServerRequest(method: "POST", path: "/v1/images/edits", headers: ["Content-Type": type], body: body)
  }

  static let forms = Seeds.texts(
    " boundary=b\n--b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n2\r\n--b--\r\n",
    " boundary=\"b c\"\n--b c\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"a\\\"b.png\"\r\n"
      + "Content-Type: image/png\r\n\r\n\r\n--b c\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n--b c--")

  static let native = Seeds.texts(
    #"{"request":{"prompt":"a cat","seed":1,"steps":2,"width":64,"height":64},"count":2,"format":"webp"}"#,
    #"{"request":{"prompt":"a","variation_seed":1,"variation_strength":0.5,"fast":true},"kind":"variation"}"#)

  static let openAI = Seeds.texts(
    #"{"prompt":"a cat","n":2,"size":"640x512","quality":"low","stream":true,"partial_images":3}"#,
    #"{"prompt":"","output_format":"jpeg","output_compression":0,"steps":3,"cfg_scale":1e0,"sampler":"Euler a"}"#)

  static let webUI = Seeds.texts(
    #"{"prompt":"a","steps":3,"width":300,"height":512,"enable_hr":true,"hr_scale":1.5,"batch_size":2,"n_iter":2}"#,
    #"{"sampler_name":"DPM++ 2M Karras","subseed":3,"subseed_strength":0.5,"eta":1,"override_settings":{"a":1}}"#)

  private static func images() throws -> [String] {
    try (ImageSeeds.png().prefix(3) + ImageSeeds.jpeg().prefix(1) + ImageSeeds.webp().suffix(1)).map(Base64.encode)
  }

  static func base64() throws -> [[UInt8]] {
    try images().flatMap { [Array($0.utf8), Array("data:image/png;base64,\($0)".utf8)] }
  }

  static func edits() throws -> [[UInt8]] {
    try images().map { image in
      let entry = #"{"image_url":"data:image/png;base64,\#(image)"}"#
      return Array(#"{"prompt":"a","images":[\#(entry)],"mask":\#(entry),"input_fidelity":"high"}"#.utf8)
    }
  }

  static func webUIImages() throws -> [[UInt8]] {
    try images().map { image in
      Array(
        #"{"init_images":["\#(image)"],"mask":"\#(image)","denoising_strength":0.5,"inpaint_full_res":0}"#.utf8)
    }
  }

  static func imageForms() throws -> [[UInt8]] {
    try ImageSeeds.png().prefix(3).map { image in
      let head = "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n"
      let rest = "\r\n--b\r\nContent-Disposition: form-data; name=\"strength\"\r\n\r\n0.5\r\n--b--\r\n"
      return Array(head.utf8) + image + Array(rest.utf8)
    }
  }
}
