//! Which files of a folder hold manifests.

use std::path::Path;

/// Whether a file's name says that it holds YAML or JSON: it ends with `.yaml`, `.yml` or `.json`, in small or capital
/// letters, as with kubectl. Nothing is looked up.
pub fn is_manifest(file: &Path) -> bool {
    let Some(extension) = file.extension() else {
        return false;
    };
    ["yaml", "yml", "json"]
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_decides_in_any_letters() {
        for name in ["a.yaml", "b/a.yml", "a.JSON", "a.b.Yaml"] {
            assert!(is_manifest(Path::new(name)), "{name}");
        }
        for name in ["a", "yaml", "a.yaml~", "a.yaml/b", "a.txt", "", ".yaml"] {
            assert!(!is_manifest(Path::new(name)), "{name}");
        }
    }
}
