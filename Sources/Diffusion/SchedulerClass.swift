import Support

/// The schedulers of diffusers whose files Flux reads, by their names in `scheduler_config.json`.
public enum SchedulerClass: String, ConfigurationChoice {
  /// Ancestral sampling (Ho et al., 2020); also the class that Flux's own files name.
  case ddpm = "DDPMScheduler"
  /// Deterministic sampling (Song et al., 2021).
  case ddim = "DDIMScheduler"
  /// Pseudo-numerical sampling (Liu et al., 2022); Flux takes its timesteps and samples with DDIM.
  case pndm = "PNDMScheduler"
  /// Euler's method (Karras et al., 2022).
  case euler = "EulerDiscreteScheduler"
  /// Euler's method with the noise of an ancestral step.
  case eulerAncestral = "EulerAncestralDiscreteScheduler"
  /// Heun's method (Karras et al., 2022).
  case heun = "HeunDiscreteScheduler"
  /// DPM-Solver++ (Lu et al., 2022), multistep.
  case dpmSolverMultistep = "DPMSolverMultistepScheduler"
  /// DPM-Solver++ (Lu et al., 2022), singlestep.
  case dpmSolverSinglestep = "DPMSolverSinglestepScheduler"
  /// UniPC (Zhao et al., 2023).
  case uniPC = "UniPCMultistepScheduler"
  /// Multistep consistency sampling (Luo et al., 2023).
  case lcm = "LCMScheduler"

  /// The sampler that draws with the file's timesteps unless another one is asked for.
  public var sampler: SamplerKind {
    switch self {
    case .ddpm: .ddpm
    case .ddim, .pndm: .ddim
    case .euler: .euler
    case .eulerAncestral: .euler_a
    case .heun: .heun
    case .dpmSolverMultistep: .dpmpp_2m
    case .dpmSolverSinglestep: .dpmpp_2s
    case .uniPC: .unipc
    case .lcm: .lcm
    }
  }

  /// The spacing of a file that names none.
  var defaultSpacing: Spacing {
    switch self {
    case .ddpm, .ddim, .pndm, .lcm: .leading
    case .euler, .eulerAncestral, .heun, .dpmSolverMultistep, .dpmSolverSinglestep, .uniPC: .linspace
    }
  }

  /// `set_alpha_to_one` of a file that does not have it.
  var endsClean: Bool { self != .pndm }

  /// `clip_sample` of a file that does not have it; nil if the class never clamps, whatever the file says.
  var clips: Bool? {
    switch self {
    case .ddpm, .ddim: true
    case .lcm, .heun: false
    case .pndm, .euler, .eulerAncestral, .dpmSolverMultistep, .dpmSolverSinglestep, .uniPC: nil
    }
  }
}

/// The noise at the end of sampling, with diffusers' names.
public enum FinalNoise: String, ConfigurationChoice {
  /// None.
  case zero
  /// That of the first timestep.
  case sigmaMin = "sigma_min"
}
