//! Templates rendered by Go and by us, many at once.

use std::{collections::BTreeMap, ffi::OsStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_template::{Limits, Template, Text};
use seal_tools::TEMPLATES;
use serde_json::{Value, json};

use crate::tools;

/// A template and the values that it gets.
#[derive(Clone, Debug)]
pub struct Case {
    /// The template.
    pub template: String,
    /// The values by their names.
    pub values: BTreeMap<String, Vec<u8>>,
}

impl Case {
    /// A line of JSON, as the peer reads it.
    pub fn line(&self) -> String {
        let values: BTreeMap<&String, String> = self
            .values
            .iter()
            .map(|(key, value)| (key, STANDARD.encode(value)))
            .collect();
        format!("{}\n", json!({"template": self.template, "values": values}))
    }
}

/// What comes out, or why nothing does.
pub type Rendered = Result<Vec<u8>, String>;

/// What Go makes of templates, in their order: one process for all.
///
/// # Panics
///
/// When the peer cannot be run.
pub fn by_go(cases: &[Case]) -> Vec<Rendered> {
    let lines: String = cases.iter().map(Case::line).collect();
    let found: Vec<Rendered> = run(&[], lines).lines().map(rendered).collect();
    assert_eq!(found.len(), cases.len());
    found
}

/// The types of the functions that Go's templates have here, by name, beside those built into Go.
///
/// # Panics
///
/// When the peer cannot be run.
pub fn functions_of_go() -> BTreeMap<String, String> {
    serde_json::from_str(&run(&["functions"], String::new())).expect("the peer writes JSON")
}

/// What we make of a template within the usual limits.
pub fn by_us(case: &Case) -> Rendered {
    let values: BTreeMap<Text, Text> = case
        .values
        .iter()
        .map(|(key, value)| (Text::from(key.as_str()), Text::from(value.clone())))
        .collect();
    Template::parse("item", &case.template)
        .and_then(|template| template.render(&values, &mut Limits::default()))
        .map(|text| text.to_vec())
        .map_err(|error| error.to_string())
}

fn run(arguments: &[&str], input: String) -> String {
    let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    tools::ask(&TEMPLATES, &arguments, input)
}

fn rendered(line: &str) -> Rendered {
    let result: Value = serde_json::from_str(line).expect("the peer writes JSON");
    if result["ok"] == true {
        let output = result["output"].as_str().unwrap_or_default();
        Ok(STANDARD.decode(output).expect("the peer writes base64"))
    } else {
        Err(result["error"].as_str().unwrap_or_default().to_owned())
    }
}
