//! The text format that every Prometheus reads, made of the OpenMetrics text that the library writes.
//!
//! They differ in what stands above a counter (its name has no `_total` in OpenMetrics) and in the mark at the end.

use std::collections::BTreeSet;

/// The `Content-Type` of the format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Rewrites OpenMetrics text.
pub(super) fn classic(text: &str) -> String {
    let of_counter = |line: &'_ str| -> Option<String> {
        let name = line.strip_prefix("# TYPE ")?.strip_suffix(" counter")?;
        Some(name.to_owned())
    };
    let counters: BTreeSet<String> = text.lines().filter_map(of_counter).collect();
    let mut classic = String::with_capacity(text.len());
    for line in text.lines().filter(|line| *line != "# EOF") {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(what @ ("HELP" | "TYPE")), Some(name), rest)
                if counters.contains(name) =>
            {
                let rest = rest.unwrap_or_default();
                classic.push_str(&format!("# {what} {name}_total {rest}"));
            }
            _ => classic.push_str(line),
        }
        classic.push('\n');
    }
    classic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_their_whole_name_above_them() {
        let text = "# HELP a_b Help it.\n# TYPE a_b counter\na_b_total{x=\"# TYPE a_b\"} 1\n# HELP g G.\n# TYPE g gauge\ng 1\n# EOF\n";
        let expected = "# HELP a_b_total Help it.\n# TYPE a_b_total counter\na_b_total{x=\"# TYPE a_b\"} 1\n# HELP g G.\n# TYPE g gauge\ng 1\n";
        assert_eq!(classic(text), expected);
    }
}
