//! The names of annotations and labels, each fixed here and nowhere else.
//!
//! Upstream's names compare with exactly the value `true`; any other value counts as not set.

use std::collections::BTreeMap;

/// Scope: any Secret anywhere. On the Secret before sealing and on the SealedSecret.
pub const CLUSTER_WIDE: &str = "sealedsecrets.bitnami.com/cluster-wide";
/// Scope: any Secret of the namespace. On the Secret before sealing and on the SealedSecret.
pub const NAMESPACE_WIDE: &str = "sealedsecrets.bitnami.com/namespace-wide";
/// On an existing Secret: it may be taken over and replaced.
pub const MANAGED: &str = "sealedsecrets.bitnami.com/managed";
/// On an existing Secret: items are merged into it and nothing of it is removed.
pub const PATCH: &str = "sealedsecrets.bitnami.com/patch";
/// In the template of a SealedSecret: the Secret gets no owner reference and outlives the SealedSecret.
pub const SKIP_SET_OWNER_REFERENCES: &str = "sealedsecrets.bitnami.com/skip-set-owner-references";
/// Label of a sealing key Secret; only those with the value [`KEY_ACTIVE`] seal and open.
pub const KEY_LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";
/// The value of [`KEY_LABEL`] on keys in use.
pub const KEY_ACTIVE: &str = "active";
/// The value of [`KEY_LABEL`] on a key that was made and is not in use yet.
pub const KEY_PENDING: &str = "pending";
/// The value of [`KEY_LABEL`] on a key that is out of use.
pub const KEY_RETIRED: &str = "retired";

/// On a SealedSecret: one line an item, saying what it was sealed for, when and with which key.
///
/// The prefix is ours alone: `.internal` is reserved for private use, so it can never become somebody's domain.
pub const ITEMS: &str = "seal.internal/items";

/// On a SealedSecret, with the value `ignore`: a Secret that somebody else changes afterwards is left as it is.
pub const DRIFT: &str = "seal.internal/drift";
/// The value of [`DRIFT`] that switches repairs off.
pub const DRIFT_IGNORE: &str = "ignore";

/// What `kubectl apply` and `kubecfg` leave behind: copies of the whole object, cleartext included.
pub const LAST_APPLIED: [&str; 2] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubecfg.ksonnet.io/last-applied-configuration",
];

/// Whether the annotation `name` is set, by upstream's rule: its value is exactly `true`.
pub fn is_set(annotations: &BTreeMap<String, String>, name: &str) -> bool {
    annotations.get(name).is_some_and(|value| value == "true")
}
