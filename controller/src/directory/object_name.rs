//! What names an object, and the uid that follows from it.

use std::fmt;

use seal_envelope::hex;
use seal_sealing::{check_name, check_namespace};

use crate::digest::Digest;

/// How long a file name may be on every usual file system, in bytes.
const LONGEST_FILE_NAME: usize = 255;
/// How the file of a Secret ends.
const SUFFIX: &str = ".yaml";

/// Namespace and name of a SealedSecret and its Secret, both valid: neither can leave a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ObjectName {
    namespace: String,
    name: String,
}

impl ObjectName {
    /// Checks both, by the rules of Kubernetes. The error says what is wrong with which.
    pub(super) fn new(namespace: &str, name: &str) -> Result<Self, String> {
        check_namespace(namespace).map_err(|error| format!("namespace {namespace:?} {error}"))?;
        check_name(name).map_err(|error| format!("name {name:?} {error}"))?;
        Ok(Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The namespace.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The name of the file of its Secret, in the folder of the namespace.
    ///
    /// # Errors
    ///
    /// A sentence, where the name is too long for a file name.
    pub(super) fn file_name(&self) -> Result<String, String> {
        let longest = LONGEST_FILE_NAME - SUFFIX.len();
        if self.name.len() > longest {
            let length = self.name.len();
            return Err(format!(
                "the name has {length} characters, and a file of that name with {SUFFIX} cannot be made; \
                 {longest} are the most here"
            ));
        }
        Ok(format!("{}{SUFFIX}", self.name))
    }

    /// The uid that a SealedSecret in a folder has: a UUID of version 8 (RFC 9562 §5.8) whose other bits are the first
    /// of SHA-256 over a fixed text, the namespace and the name, each behind its length. The same name has the same uid
    /// everywhere and always, so an owner reference survives the loss of every status file.
    pub(super) fn uid(&self) -> String {
        let parts = [
            "seal-controller directory uid 1",
            &self.namespace,
            &self.name,
        ];
        let digest = Digest::of(&parts.map(str::as_bytes));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.as_bytes()[..16]);
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = hex(&bytes);
        let (first, rest) = hex.split_at(8);
        format!(
            "{first}-{}-{}-{}-{}",
            &rest[..4],
            &rest[4..8],
            &rest[8..12],
            &rest[12..]
        )
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(namespace: &str, name: &str) -> ObjectName {
        ObjectName::new(namespace, name).expect("the names are valid")
    }

    #[test]
    fn the_uid_never_changes() {
        assert_eq!(
            name("app", "db").uid(),
            "704ba01b-cea9-8deb-9a55-d890a300d58a"
        );
        assert_ne!(name("app", "db").uid(), name("ap", "pdb").uid());
    }

    #[test]
    fn no_name_leaves_its_folder() {
        for (namespace, name) in [
            ("..", "db"),
            ("app", "../db"),
            ("a/b", "db"),
            ("app", "/db"),
            ("", "db"),
            ("app", ""),
        ] {
            assert!(
                ObjectName::new(namespace, name).is_err(),
                "{namespace} {name}"
            );
        }
    }

    #[test]
    fn a_name_too_long_for_a_file_is_said_to_be() {
        assert!(name("app", &"a".repeat(250)).file_name().is_ok());
        let message = name("app", &"a".repeat(251))
            .file_name()
            .expect_err("it is too long");
        assert!(message.contains("250 are the most"), "{message}");
    }
}
