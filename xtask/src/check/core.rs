//! The functional core touches nothing outside: no files, network, environment, processes, async or clock in `crates/`.

use std::fs;

use anyhow::{Context, Result};

use super::source;
use crate::workspace;

const MODULES: [&str; 4] = ["fs", "net", "env", "process"];
const NAMES: [&str; 6] = [
    "tokio::",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "thread::sleep",
];
const LINTS: &str = "clippy.toml";

/// Returns a sentence for each use of the world outside, and for each core crate whose lints do not forbid it.
pub(super) fn check(files: &[String]) -> Result<Vec<String>> {
    let mut findings = lints(files)?;
    let sources = files.iter().filter(|name| {
        name.starts_with("crates/") && name.ends_with(".rs") && !source::is_test(name)
    });
    for name in sources {
        let text =
            fs::read_to_string(workspace::root().join(name)).with_context(|| name.clone())?;
        let code = source::code(&text);
        let uses = outside(&code);
        findings.extend(uses.map(|found| format!("{name}: the core may not use {found}")));
    }
    Ok(findings)
}

/// Every core crate has a `clippy.toml` (a crate's own replaces the root's), all the same.
fn lints(files: &[String]) -> Result<Vec<String>> {
    let crates = files.iter().filter_map(|name| {
        let folder = name.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
        Some(format!("crates/{folder}/{LINTS}"))
    });
    let model = fs::read_to_string(workspace::root().join("crates/envelope").join(LINTS))
        .context("crates/envelope has no clippy.toml")?;
    let differs = |name: &String| {
        fs::read_to_string(workspace::root().join(name))
            .ok()
            .as_ref()
            != Some(&model)
    };
    let say = |name| format!("{name}: not the same as crates/envelope/{LINTS}");
    Ok(crates.filter(differs).map(say).collect())
}

fn outside(code: &str) -> impl Iterator<Item = String> {
    let modules = MODULES
        .iter()
        .filter(|module| uses_std(code, module))
        .map(|module| format!("std::{module}"));
    let names = NAMES
        .iter()
        .filter(|name| code.contains(*name))
        .map(|name| (*name).to_owned());
    modules.chain(names)
}

/// `std::fs`, and `fs` at the top of a `use std::{…}`.
fn uses_std(code: &str, module: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
    let directly = code
        .split("std::")
        .skip(1)
        .any(|rest| rest.strip_prefix(module).is_some_and(ends));
    let groups = code.split("std::{").skip(1);
    directly || groups.flat_map(top_names).any(|name| name == module)
}

/// The first parts of the paths in a group of imports, given the text after its opening brace.
fn top_names(group: &str) -> Vec<&str> {
    let mut depth = 0;
    let mut names = Vec::new();
    let mut start = Some(0);
    for (index, letter) in group.char_indices() {
        let ends_name = depth == 0 && matches!(letter, ':' | ',' | '}');
        if ends_name && let Some(start) = start.take() {
            names.push(&group[start..index]);
        }
        match letter {
            ',' if depth == 0 => start = Some(index + 1),
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &[&str]) {
        let found: Vec<String> = outside(&source::code(source)).collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn the_world_outside_is_seen_in_every_spelling() {
        check("use std::fs;", &["std::fs"]);
        check(
            "use std::{\n    collections::BTreeMap,\n    fs::{self, File},\n};",
            &["std::fs"],
        );
        check("use std::{fmt, env};", &["std::env"]);
        check("let now = jiff::Timestamp::now();", &["Timestamp::now"]);
        check("use tokio::net::TcpStream;", &["tokio::"]);
    }

    #[test]
    fn what_only_looks_like_it_is_left_alone() {
        check(
            "use std::{fmt, collections::{hash_map::Entry, BTreeMap}};",
            &[],
        );
        check("// std::fs is not for us\nlet x = env!(\"CARGO\");", &[]);
        check("use std::fmt::{self, env_like};", &[]);
        check("fn f() {}\n#[cfg(test)]\nmod tests { use std::fs; }", &[]);
    }
}
