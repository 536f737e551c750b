import Serving
import Support
import Testing

@Suite struct A1111InterfaceTests {
  @Test func anImageComesBackWithItsInfo() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let answer = await fixture.send(
      "POST", "/sdapi/v1/txt2img",
      #"{"prompt": "a cat", "seed": 4, "steps": 2, "sampler_name": "Euler a", "batch_size": 2, "eta": 1.0, "tiling": true,"#
        + #" "width": 64, "height": 64, "restore_faces": false, "subseed": -1, "styles": [], "alwayson_scripts": {}}"#)
    #expect(answer.status == 200)
    #expect(answer.json["images"]?.array?.count == 2)
    let info = try #require(answer.json["info"]?.string.flatMap { JSONValue(Array($0.utf8)) })
    #expect(info["all_seeds"]?.array?.map(\.int) == [4, 5])
    #expect(info["sampler_name"]?.string == "Euler a")
    #expect(info["extra_generation_params"]?["Ignored"]?.string == "eta, tiling")
    let image = try #require(answer.json["images"]?.array?.first?.string)
    let text = await fixture.send("POST", "/sdapi/v1/png-info", #"{"image": "data:image/png;base64,\#(image)"}"#)
    #expect(text.json["parameters"]?["Seed"]?.string == "4")
    #expect(text.json["parameters"]?["Prompt"]?.string == "a cat")
  }

  @Test func anInterruptedCallAnswersWithTheImageAsItIs() async throws {
    let fixture = try ServiceFixture(draws: true, pausing: true)
    try await fixture.waitUntilReady()
    async let answer = fixture.send(
      "POST", "/sdapi/v1/txt2img", #"{"prompt": "a cat", "steps": 1000, "sampler_name": "DDPM"}"#)
    await fixture.waitForFirstStep()
    let progress = await fixture.send("GET", "/sdapi/v1/progress")
    #expect(progress.json["state"]?["job_count"]?.int == 1)
    #expect((progress.json["progress"]?.double ?? 0) > 0)
    _ = await fixture.send("POST", "/sdapi/v1/interrupt")
    fixture.goOn()
    let result = await answer
    #expect(result.status == 200 && result.json["images"]?.array?.count == 1)
    #expect(fixture.service.queue.jobs.first.map { $0.isInterrupted && $0.step < 1000 } == true)
    let idle = await fixture.send("GET", "/sdapi/v1/progress")
    #expect(idle.json["progress"]?.double == 0 && idle.json["state"]?["job_count"]?.int == 0)
  }

  @Test func unknownSamplersAndScriptsAreRefusedAsClientsExpect() async throws {
    let fixture = try ServiceFixture()
    let sampler = await fixture.send("POST", "/sdapi/v1/txt2img", #"{"sampler_name": "Restart"}"#)
    #expect(sampler.status == 400 && sampler.json["detail"]?.string == "Sampler not found")
    let script = await fixture.send("POST", "/sdapi/v1/txt2img", #"{"script_name": "x/y plot"}"#)
    #expect(script.status == 422)
    let steps = await fixture.send("POST", "/sdapi/v1/txt2img", #"{"steps": 0}"#)
    #expect(steps.status == 422 && steps.json["detail"]?.array?.first?["loc"]?.array?.last?.string == "steps")
  }

  @Test func theOptionsThatAreReadCanBeWrittenBack() async throws {
    let fixture = try ServiceFixture()
    let options = await fixture.send("GET", "/sdapi/v1/options").json
    let models = await fixture.send("GET", "/sdapi/v1/sd-models").json
    #expect(options["sd_model_checkpoint"]?.string == models.array?.first?["title"]?.string)
    #expect(options["forge_preset"] == nil)
    #expect(await fixture.send("POST", "/sdapi/v1/options", options.text).status == 200)
    #expect(await fixture.send("POST", "/sdapi/v1/options", #"{"sd_model_checkpoint": "TINY"}"#).status == 200)
    #expect(await fixture.send("POST", "/sdapi/v1/options", #"{"sd_model_checkpoint": "/etc"}"#).status == 404)
  }

  @Test(arguments: [
    "samplers", "schedulers", "upscalers", "latent-upscale-modes", "loras", "scripts", "script-info", "sd-vae",
    "sd-modules", "prompt-styles", "embeddings", "hypernetworks", "face-restorers", "realesrgan-models", "extensions",
    "cmd-flags", "memory",
  ])
  func clientsFindTheListsTheyAskForOnConnecting(_ name: String) async throws {
    #expect(try await ServiceFixture().send("GET", "/sdapi/v1/\(name)").status == 200)
  }
}
