//! The comparison: what is declared, without what is exempt, has to have been seen.
//!
//! Everything is named by one text: `reason WrongKind`, `seal exit 2`, `seal encrypt --cert`, `environment SEAL_CERT`,
//! `http /v1/verify 409`, `metric seal_controller_keys`, `audit verify opens`, `function upper`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Exemptions;

/// What the programs declare: `seal-gen lists` prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared(pub BTreeSet<String>);

/// What a test run showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed(pub BTreeSet<String>);

/// The outcome: all empty is well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Declared, not exempt and never seen.
    pub never_seen: Vec<String>,
    /// Exempt, and seen all the same: the exemption is out of date.
    pub exempt_but_seen: Vec<String>,
    /// Exempt, and declared no longer.
    pub exempt_but_unknown: Vec<String>,
    /// Exit codes and answers that were seen and are not declared, such as the exit code of a panic.
    pub undeclared: Vec<String>,
}

impl Declared {
    /// Reads `{"reasons": [..], "exit_codes": {PROGRAM: [..]}, "flags": {PROGRAM: [..]}, "environment": [..],
    /// "http": [..], "functions": [..], "metrics": [..], "audit": [..]}`.
    pub fn from_json(lists: &Value) -> Self {
        let mut names = BTreeSet::new();
        names.extend(texts(&lists["reasons"]).map(|reason| format!("reason {reason}")));
        names.extend(texts(&lists["environment"]).map(|name| format!("environment {name}")));
        names.extend(texts(&lists["http"]).map(|answer| format!("http {answer}")));
        names.extend(texts(&lists["functions"]).map(|name| format!("function {name}")));
        names.extend(texts(&lists["metrics"]).map(|name| format!("metric {name}")));
        names.extend(texts(&lists["audit"]).map(|name| format!("audit {name}")));
        for (program, codes) in entries(&lists["exit_codes"]) {
            let codes = codes.as_array().into_iter().flatten();
            names.extend(codes.map(|code| format!("{program} exit {code}")));
        }
        for (program, flags) in entries(&lists["flags"]) {
            names.extend(texts(flags).map(|flag| format!("{program} {flag}")));
        }
        Self(names)
    }
}

impl Observed {
    /// Reads the record of a test run; `declared` says which words are subcommands.
    ///
    /// # Errors
    ///
    /// When a line is not JSON.
    pub fn from_lines(lines: &str, declared: &Declared) -> Result<Self, serde_json::Error> {
        let mut names = BTreeSet::new();
        for line in lines.lines() {
            let run: Value = serde_json::from_str(line)?;
            let program = run["program"].as_str().unwrap_or_default();
            names.extend(texts(&run["reasons"]).map(|reason| format!("reason {reason}")));
            names.extend(texts(&run["environment"]).map(|name| format!("environment {name}")));
            names.extend(texts(&run["http"]).map(|answer| format!("http {answer}")));
            names.extend(texts(&run["functions"]).map(|name| format!("function {name}")));
            names.extend(texts(&run["metrics"]).map(|name| format!("metric {name}")));
            names.extend(texts(&run["audit"]).map(|name| format!("audit {name}")));
            if let Some(code) = run["exit"].as_i64() {
                names.insert(format!("{program} exit {code}"));
            }
            names.extend(flags_of(&run, program, declared));
        }
        Ok(Self(names))
    }
}

/// Compares. Exit codes and answers alone have to be declared where they were seen: anything in square brackets may look like a
/// reason, and a test may use a flag that does not exist.
pub fn compare(declared: &Declared, observed: &Observed, exempt: &Exemptions) -> Verdict {
    let (declared, observed) = (&declared.0, &observed.0);
    let is_exempt = |name: &&String| exempt.0.contains_key(*name);
    let exempt_names = || exempt.0.keys();
    Verdict {
        never_seen: declared
            .difference(observed)
            .filter(|name| !is_exempt(name))
            .cloned()
            .collect(),
        exempt_but_seen: exempt_names()
            .filter(|name| observed.contains(*name))
            .cloned()
            .collect(),
        exempt_but_unknown: exempt_names()
            .filter(|name| !declared.contains(*name))
            .cloned()
            .collect(),
        undeclared: observed
            .difference(declared)
            .filter(|name| {
                name.contains(" exit ") || name.starts_with("http ") || name.starts_with("audit ")
            })
            .cloned()
            .collect(),
    }
}

impl Verdict {
    /// Whether the lists are closed.
    pub fn is_well(&self) -> bool {
        *self == Self::default()
    }
}

/// The flags of a run, each below the longest declared subcommand its words lead to.
fn flags_of(run: &Value, program: &str, declared: &Declared) -> Vec<String> {
    let mut path = program.to_owned();
    for word in texts(&run["words"]) {
        let longer = format!("{path} {word}");
        let start = format!("{longer} ");
        if declared.0.iter().any(|name| name.starts_with(&start)) {
            path = longer;
        }
    }
    texts(&run["flags"])
        .map(|flag| format!("{path} {flag}"))
        .collect()
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn entries(table: &Value) -> impl Iterator<Item = (&String, &Value)> {
    table.as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn declared() -> Declared {
        Declared::from_json(&json!({
            "reasons": ["WrongKind", "NoKey"],
            "exit_codes": {"seal": [0, 2]},
            "flags": {"seal": ["encrypt --cert", "cert fetch --output"], "seal-controller": ["--once"]},
            "environment": ["SEAL_CERT"],
            "http": ["/v1/verify 409"],
            "metrics": ["x_total"],
        }))
    }

    const EVERYTHING: &str = concat!(
        r#"{"program":"seal","words":["encrypt"],"flags":["--cert"],"environment":["PATH","SEAL_CERT"],"exit":0,"reasons":["WrongKind"]}"#,
        "\n",
        r#"{"program":"seal","words":["cert","fetch","x"],"flags":["--output"],"environment":[],"exit":2,"reasons":["NoKey"]}"#,
        "\n",
        r#"{"program":"seal-controller","words":[],"flags":["--once"],"environment":[],"exit":null,"reasons":[]}"#,
        "\n",
        r#"{"http":["/v1/verify 409"]}"#,
        "\n",
        r#"{"metrics":["x_total","go_threads"]}"#,
    );

    #[track_caller]
    fn check(seen: &str, exempt: &str, expected: Verdict) {
        let observed = Observed::from_lines(seen, &declared()).unwrap();
        let exempt = Exemptions::parse(exempt).unwrap();
        assert_eq!(compare(&declared(), &observed, &exempt), expected);
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn everything_declared_and_seen_is_well() {
        check(EVERYTHING, "", Verdict::default());
        assert!(Verdict::default().is_well());
    }

    #[test]
    fn what_was_never_seen_is_named() {
        let first = EVERYTHING.lines().next().unwrap();
        let missing = names(&[
            "http /v1/verify 409",
            "metric x_total",
            "reason NoKey",
            "seal cert fetch --output",
            "seal exit 2",
            "seal-controller --once",
        ]);
        check(
            first,
            "",
            Verdict {
                never_seen: missing,
                ..Verdict::default()
            },
        );
    }

    #[test]
    fn a_flag_counts_for_its_own_subcommand_only() {
        let elsewhere = EVERYTHING.replace(r#"["encrypt"]"#, r#"["create"]"#);
        let missing = names(&["seal encrypt --cert"]);
        check(
            &elsewhere,
            "",
            Verdict {
                never_seen: missing,
                ..Verdict::default()
            },
        );
    }

    #[test]
    fn what_is_exempt_need_not_be_seen() {
        let seen = EVERYTHING.replace("NoKey", "WrongKind");
        check(
            &seen,
            "\"reason NoKey\" = \"cannot be made to happen\"",
            Verdict::default(),
        );
    }

    #[test]
    fn an_exemption_out_of_date_is_an_error() {
        let seen = Verdict {
            exempt_but_seen: names(&["reason NoKey"]),
            ..Verdict::default()
        };
        check(EVERYTHING, "\"reason NoKey\" = \"x\"", seen);
        let unknown = Verdict {
            exempt_but_unknown: names(&["reason Gone"]),
            ..Verdict::default()
        };
        check(EVERYTHING, "\"reason Gone\" = \"x\"", unknown);
    }

    #[test]
    fn an_exit_code_nobody_declared_is_an_error() {
        let panicked = EVERYTHING.replace("\"exit\":null", "\"exit\":101");
        let undeclared = names(&["seal-controller exit 101"]);
        check(
            &panicked,
            "",
            Verdict {
                undeclared,
                ..Verdict::default()
            },
        );
    }

    #[test]
    fn an_answer_nobody_declared_is_an_error() {
        let other = format!("{EVERYTHING}\n{}", r#"{"http":["/v1/verify 418"]}"#);
        let undeclared = names(&["http /v1/verify 418"]);
        check(
            &other,
            "",
            Verdict {
                undeclared,
                ..Verdict::default()
            },
        );
    }

    #[test]
    fn nothing_seen_at_all_is_not_well() {
        let observed = Observed::from_lines("", &declared()).unwrap();
        assert!(!compare(&declared(), &observed, &Exemptions::default()).is_well());
    }
}
