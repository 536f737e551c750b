import Foundation

extension TrainingCurves {
  /// All curves as small panels over a common step axis on white; stages are shaded.
  public func svg() -> String {
    let last = max(1, curves.flatMap(\.points).map(\.step).max() ?? 1)
    let spans = stages.map { stage in
      PlotPanel.Span(
        name: stage.name, range: Double(stage.steps.lowerBound)...Double(stage.steps.upperBound))
    }
    return PlotPanel.document(
      curves.map { curve in
        PlotPanel(
          curve.name, curve.smoothed(to: 250).map { .init(x: Double($0.step), y: $0.value) }, over: 0...Double(last),
          labels: ("0", "\(last) steps"), spans: spans)
      })
  }
}
