//! The cases in `cases/`: a template a line, below the name of what it shows. `⏎` is a line break outside of actions.

use std::collections::{BTreeMap, BTreeSet};

use seal_template::functions::{self, Parameter, Status};
use seal_tests::{
    seen,
    templates::{Case, by_us, functions_of_go},
};

use crate::samples::{case, check};

const FILES: [&str; 8] = [
    include_str!("cases/language.txt"),
    include_str!("cases/dates.txt"),
    include_str!("cases/encoding.txt"),
    include_str!("cases/flow.txt"),
    include_str!("cases/lists.txt"),
    include_str!("cases/math.txt"),
    include_str!("cases/regex.txt"),
    include_str!("cases/strings.txt"),
];

/// All cases with the name that they stand below.
pub(crate) fn all() -> Vec<(&'static str, Case)> {
    let mut name = "";
    let mut cases = Vec::new();
    for line in FILES.iter().flat_map(|file| file.lines()) {
        if let Some(next) = line.strip_prefix("# ") {
            name = next;
        } else if !line.is_empty() {
            cases.push((name, case(&line.replace('⏎', "\n"))));
        }
    }
    cases
}

#[test]
fn every_case_renders_as_in_go() {
    let all = all();
    let cases: Vec<Case> = all.iter().map(|(_, case)| case.clone()).collect();
    check(&cases);
    let mut seen = BTreeSet::new();
    for (name, case) in all.iter().filter(|(_, case)| by_us(case).is_ok()) {
        // What is built into Go is shown with the language.
        let used = functions::all().map(|function| function.name);
        seen.extend(
            used.filter(|used| (name == used || *name == "language") && uses(&case.template, used)),
        );
    }
    seen::record_functions(&Vec::from_iter(seen));
}

#[test]
fn every_function_has_three_cases() {
    let mut counts = BTreeMap::<&str, usize>::new();
    for (name, case) in all() {
        *counts.entry(name).or_default() += 1;
        // What is built into Go is shown with the language.
        for function in functions::all() {
            if name == "language" && uses(&case.template, function.name) {
                *counts.entry(function.name).or_default() += 1;
            }
        }
    }
    let few: Vec<&str> = functions::all()
        .filter(|function| function.status == Status::Same)
        .map(|function| function.name)
        .filter(|name| counts.get(name).is_none_or(|count| *count < 3))
        .collect();
    assert!(few.is_empty(), "fewer than three cases: {few:?}");
}

/// The constructs of the language, each by what shows that a template has it.
const CONSTRUCTS: [(&str, &[&str]); 37] = [
    ("if", &["{{ if "]),
    ("else", &["{{ else }}"]),
    ("else if", &["{{ else if "]),
    ("with", &["{{ with "]),
    ("else with", &["{{ else with "]),
    ("range", &["{{ range "]),
    (
        "range with a variable",
        &["{{ range $i := ", "{{ range $e := ", "{{ range $v := "],
    ),
    (
        "range with two variables",
        &["{{ range $i, $e := ", "{{ range $k, $v := "],
    ),
    (
        "range that assigns",
        &["{{ range $i = ", "{{ range $i, $e = "],
    ),
    ("break", &["{{ break }}"]),
    ("continue", &["{{ continue }}"]),
    ("define", &["{{ define "]),
    ("template", &["{{ template "]),
    ("block", &["{{ block "]),
    ("a comment", &["/*"]),
    ("trimming before", &["{{- "]),
    ("trimming after", &[" -}}"]),
    ("a declaration", &["{{ $x := "]),
    ("an assignment", &["{{ $x = "]),
    ("with that declares", &["{{ with $x := "]),
    ("if that declares", &["{{ if $x := "]),
    ("the values", &["$."]),
    ("dot", &["{{ . }}"]),
    ("a field", &["{{ .user"]),
    ("a field of a variable", &["$x."]),
    ("a field of parentheses", &[")."]),
    ("a pipe", &[" | "]),
    ("nil", &[" nil"]),
    ("a truth value", &[" true", " false"]),
    ("a raw text", &["`"]),
    ("a character", &[" 'a'", "'\\n'", "'é'"]),
    ("a hexadecimal number", &["0x"]),
    ("an octal number", &["0o"]),
    ("a binary number", &["0b"]),
    ("underscores in a number", &["1_0"]),
    ("an exponent", &[" 1e"]),
    ("a complex number", &["1i", "2i"]),
];

#[test]
fn every_construct_has_three_cases() {
    let whole: Vec<Case> = all()
        .into_iter()
        .filter(|(name, case)| *name == "language" && by_us(case).is_ok())
        .map(|(_, case)| case)
        .collect();
    let few: Vec<&str> = CONSTRUCTS
        .iter()
        .filter(|(_, signs)| {
            let has = |case: &&Case| signs.iter().any(|sign| case.template.contains(sign));
            whole.iter().filter(has).count() < 3
        })
        .map(|(name, _)| *name)
        .collect();
    assert!(few.is_empty(), "fewer than three cases: {few:?}");
}

/// Whether a name stands in a template by itself.
fn uses(template: &str, name: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    template.match_indices(name).any(|(start, _)| {
        let before = template[..start].chars().next_back();
        let after = template[start + name.len()..].chars().next();
        !before.is_some_and(|letter| is_word(letter) || letter == '.')
            && !after.is_some_and(is_word)
    })
}

/// `func(string, ...interface {}) string` up to the result.
fn signature(function: &functions::Function) -> String {
    let count = function.parameters.len();
    let parameters: Vec<String> = function
        .parameters
        .iter()
        .enumerate()
        .map(|(index, parameter)| {
            let dots = if function.variadic && index + 1 == count {
                "..."
            } else {
                ""
            };
            format!("{dots}{}", go_name(*parameter))
        })
        .collect();
    format!("func({})", parameters.join(", "))
}

fn go_name(parameter: Parameter) -> &'static str {
    match parameter {
        Parameter::Any => "interface {}",
        Parameter::Value => "reflect.Value",
        Parameter::Text => "string",
        Parameter::Int => "int",
        Parameter::Float => "float64",
        Parameter::Bool => "bool",
        Parameter::Uint32 => "uint32",
        Parameter::Map => "map[string]interface {}",
        Parameter::List => "[]interface {}",
        Parameter::Version => "*semver.Version",
        Parameter::Time => "time.Time",
        Parameter::Location => "*time.Location",
        Parameter::Duration => "time.Duration",
        Parameter::Certificate => "sprig.certificate",
    }
}

#[test]
fn every_function_of_go_is_there_with_its_parameters() {
    let theirs = functions_of_go();
    let mut wrong = Vec::new();
    for (name, theirs) in &theirs {
        match functions::find(name) {
            None => wrong.push(format!("{name} is missing: {theirs}")),
            Some(ours) if !theirs.starts_with(&signature(ours)) => {
                wrong.push(format!("{name}: {theirs}, not {}", signature(ours)));
            }
            Some(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
