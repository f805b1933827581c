//! What a value is bound to when it is sealed: scope, namespace and name.

use std::{collections::BTreeMap, fmt};

use seal_api::{Scope, SealedSecret};
use seal_envelope::Label;

/// The place a value is sealed for. Two bindings of the same scope open each other's values when what the scope looks
/// at is equal: [`Binding::label`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// How far the value may travel.
    pub scope: Scope,
    /// The namespace; may be empty where the scope is cluster-wide.
    pub namespace: String,
    /// The name of the Secret; may be empty where the scope is not strict.
    pub name: String,
}

impl Binding {
    /// The binding that a SealedSecret's own metadata asks for; its template has no say.
    pub fn of(sealed: &SealedSecret) -> Self {
        let none = BTreeMap::new();
        Self {
            scope: Scope::of(sealed.metadata.annotations.as_ref().unwrap_or(&none)),
            namespace: sealed.metadata.namespace.clone().unwrap_or_default(),
            name: sealed.metadata.name.clone().unwrap_or_default(),
        }
    }

    /// The OAEP label for this binding.
    pub fn label(&self) -> Label {
        match self.scope {
            Scope::Strict => Label::strict(&self.namespace, &self.name),
            Scope::NamespaceWide => Label::namespace_wide(&self.namespace),
            Scope::ClusterWide => Label::cluster_wide(),
        }
    }
}

impl fmt::Display for Binding {
    /// What the scope looks at: `prod/db`, `namespace prod`, or `any namespace`. A line break or the like, which no valid
    /// name has, is escaped: anybody may seal for a name of his choice.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (namespace, name) = (self.namespace.escape_debug(), self.name.escape_debug());
        match self.scope {
            Scope::Strict => write!(formatter, "{namespace}/{name}"),
            Scope::NamespaceWide => write!(formatter, "any name in namespace {namespace}"),
            Scope::ClusterWide => formatter.write_str("any name in any namespace"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_none_adds_no_line_to_a_log() {
        for scope in [Scope::Strict, Scope::NamespaceWide, Scope::ClusterWide] {
            let binding = Binding {
                scope,
                namespace: "a\r".to_owned(),
                name: "b\n2026-11-21T10:00:00Z  INFO all is well".to_owned(),
            };
            let said = binding.to_string();
            assert!(!said.contains(char::is_control), "{said:?}");
        }
    }
}
