//! What binds a ciphertext to a place: the label of RSA-OAEP (RFC 8017 §7.1).

/// The OAEP label. A ciphertext opens only with the label it was sealed with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label(Vec<u8>);

impl Label {
    /// For one Secret: `namespace/name`. Kubernetes names hold no slash, so the text is unambiguous.
    pub fn strict(namespace: &str, name: &str) -> Self {
        Self(format!("{namespace}/{name}").into_bytes())
    }

    /// For any Secret of one namespace: the namespace alone.
    pub fn namespace_wide(namespace: &str) -> Self {
        Self(namespace.as_bytes().to_vec())
    }

    /// For any Secret anywhere: no bytes.
    pub fn cluster_wide() -> Self {
        Self(Vec::new())
    }

    /// The bytes given to OAEP, UTF-8 without terminator.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_the_bytes_that_upstream_uses() {
        assert_eq!(Label::strict("prod", "db").as_bytes(), b"prod/db");
        assert_eq!(Label::namespace_wide("prod").as_bytes(), b"prod");
        assert_eq!(Label::cluster_wide().as_bytes(), b"");
    }
}
