//! `/metrics`, in Prometheus' text format (version 0.0.4).

use std::fmt::Write as _;

use crate::console::{Metric, MetricKind};

/// Writes metrics; those of one name should follow each other.
pub(crate) fn render(metrics: &[Metric]) -> String {
    let mut text = String::new();
    let mut last = "";
    for metric in metrics {
        if metric.name != last {
            let kind = match metric.kind {
                MetricKind::Counter => "counter",
                MetricKind::Gauge => "gauge",
            };
            let _ = writeln!(
                text,
                "# HELP {} {}\n# TYPE {} {kind}",
                metric.name, metric.help, metric.name
            );
            last = metric.name;
        }
        let labels = metric
            .labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
        let labels = labels.collect::<Vec<_>>().join(",");
        let labels = if labels.is_empty() {
            labels
        } else {
            format!("{{{labels}}}")
        };
        let _ = writeln!(text, "{}{labels} {}", metric.name, metric.value);
    }
    text
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_help_stands_once() {
        let metric = |zone: &str, value| Metric {
            name: "loa_on_air",
            help: "Whether it is.",
            kind: MetricKind::Gauge,
            labels: vec![("zone", zone.to_owned())],
            value,
        };
        let text = render(&[metric("a\"b\\", 1.0), metric("c", 0.5)]);
        assert_eq!(
            text,
            "# HELP loa_on_air Whether it is.\n# TYPE loa_on_air gauge\n\
             loa_on_air{zone=\"a\\\"b\\\\\"} 1\nloa_on_air{zone=\"c\"} 0.5\n"
        );
    }
}
