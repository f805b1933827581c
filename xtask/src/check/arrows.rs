//! Dependencies point one way: what each of our packages may know, and what the core may not know at all.

use serde_json::Value;

/// Which of our crates a package may use. A package that is not here may use every library.
const ARROWS: &[(&str, &[&str])] = &[
    ("seal-envelope", &[]),
    ("seal-api", &[]),
    ("seal-manifest", &[]),
    ("seal-template", &[]),
    ("seal-documents", &["seal-api", "seal-manifest"]),
    (
        "seal-sealing",
        &["seal-envelope", "seal-api", "seal-template"],
    ),
    (
        "seal-leaks",
        &["seal-documents", "seal-manifest", "seal-api"],
    ),
    ("seal-shell", &[]),
    ("seal-cli", LIBRARIES),
    ("seal-controller", LIBRARIES),
    ("seal-tools", &[]),
];

const LIBRARIES: &[&str] = &[
    "seal-envelope",
    "seal-api",
    "seal-manifest",
    "seal-documents",
    "seal-sealing",
    "seal-template",
    "seal-leaks",
    "seal-shell",
];

/// What a core crate may not depend on: with these a parser could reach the world outside.
const OUTSIDE: &[&str] = &[
    "async-std",
    "axum",
    "gix",
    "hyper",
    "ignore",
    "kube",
    "kube-client",
    "kube-runtime",
    "notify",
    "reqwest",
    "rpassword",
    "rustix",
    "smol",
    "socket2",
    "tempfile",
    "tokio",
    "ureq",
    "walkdir",
];

/// Returns a sentence for each arrow that points the wrong way.
pub(super) fn check(metadata: &Value) -> Vec<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages.flat_map(package).collect()
}

fn package(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let in_core = package["manifest_path"]
        .as_str()
        .is_some_and(|path| path.contains("/crates/"));
    let allowed = ARROWS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, allowed)| *allowed);
    if in_core && allowed.is_none() {
        return vec![format!("{name}: add it to xtask/src/check/arrows.rs")];
    }
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    dependencies
        .filter_map(|dependency| dependency["name"].as_str())
        .filter_map(|dependency| {
            let ours = dependency.starts_with("seal-");
            let wrong_way = ours && allowed.is_some_and(|allowed| !allowed.contains(&dependency));
            let outside = in_core && OUTSIDE.contains(&dependency);
            (wrong_way || outside).then(|| format!("{name}: may not depend on {dependency}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn findings(name: &str, folder: &str, dependency: &str) -> usize {
        check(&json!({"packages": [{
            "name": name,
            "manifest_path": format!("/checkout/{folder}/Cargo.toml"),
            "dependencies": [{"name": dependency}],
        }]}))
        .len()
    }

    #[test]
    fn arrows_point_one_way() {
        assert_eq!(
            findings("seal-sealing", "crates/sealing", "seal-envelope"),
            0
        );
        assert_eq!(findings("seal-envelope", "crates/envelope", "seal-api"), 1);
        assert_eq!(findings("seal-cli", "cli", "seal-controller"), 1);
        assert_eq!(findings("seal-controller", "controller", "seal-cli"), 1);
        assert_eq!(findings("seal-gen", "xtask/gen", "seal-cli"), 0);
    }

    #[test]
    fn the_core_cannot_reach_outside() {
        assert_eq!(findings("seal-manifest", "crates/manifest", "tokio"), 1);
        assert_eq!(findings("seal-controller", "controller", "tokio"), 0);
    }

    #[test]
    fn a_new_core_crate_has_to_be_listed() {
        assert_eq!(findings("seal-new", "crates/new", "serde"), 1);
    }
}
