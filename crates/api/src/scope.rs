//! How far a sealed value may travel.

use std::{collections::BTreeMap, fmt, str::FromStr};

use crate::annotations;

/// Where the Secret may live that a value is sealed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scope {
    /// Under one name in one namespace.
    #[default]
    Strict,
    /// Under any name in one namespace.
    NamespaceWide,
    /// Anywhere in the cluster.
    ClusterWide,
}

impl Scope {
    /// All scopes, narrowest first.
    pub const ALL: [Self; 3] = [Self::Strict, Self::NamespaceWide, Self::ClusterWide];

    /// The scope that annotations ask for: exactly `true` counts, and cluster-wide wins over namespace-wide.
    pub fn of(annotations: &BTreeMap<String, String>) -> Self {
        if annotations::is_set(annotations, annotations::CLUSTER_WIDE) {
            Self::ClusterWide
        } else if annotations::is_set(annotations, annotations::NAMESPACE_WIDE) {
            Self::NamespaceWide
        } else {
            Self::Strict
        }
    }

    /// The annotation that stands for this scope; none for strict.
    pub fn annotation(self) -> Option<&'static str> {
        match self {
            Self::Strict => None,
            Self::NamespaceWide => Some(annotations::NAMESPACE_WIDE),
            Self::ClusterWide => Some(annotations::CLUSTER_WIDE),
        }
    }

    /// The name used in flags, item lines and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::NamespaceWide => "namespace-wide",
            Self::ClusterWide => "cluster-wide",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A text names no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownScope;

impl fmt::Display for UnknownScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("must be one of: strict, namespace-wide, cluster-wide")
    }
}

impl std::error::Error for UnknownScope {}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or(UnknownScope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope_of(pairs: &[(&str, &str)]) -> Scope {
        Scope::of(
            &pairs
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        )
    }

    #[test]
    fn only_the_exact_value_true_sets_a_scope() {
        assert_eq!(scope_of(&[]), Scope::Strict);
        for value in ["TRUE", "1", "false", "", " true"] {
            assert_eq!(
                scope_of(&[(annotations::CLUSTER_WIDE, value)]),
                Scope::Strict
            );
        }
        assert_eq!(
            scope_of(&[(annotations::NAMESPACE_WIDE, "true")]),
            Scope::NamespaceWide
        );
    }

    #[test]
    fn cluster_wide_wins_over_namespace_wide() {
        let both = [
            (annotations::NAMESPACE_WIDE, "true"),
            (annotations::CLUSTER_WIDE, "true"),
        ];
        assert_eq!(scope_of(&both), Scope::ClusterWide);
    }

    #[test]
    fn names_read_back() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert!("Strict".parse::<Scope>().is_err());
    }
}
