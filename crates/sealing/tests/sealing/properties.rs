//! What holds of every Secret: it comes back as it was, and nowhere else.

use std::collections::BTreeMap;

use proptest::{collection::btree_map, prelude::*};
use seal_api::Scope;
use seal_sealing::{KeyRing, Secret};
use serde_json::{Map, Value};

use crate::samples::{open, ring, seal_with, without_lines};

thread_local! {
    static RING: KeyRing = ring([0]);
}

/// Any Secret that can be sealed.
fn secrets() -> impl Strategy<Value = Secret> {
    (
        "[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?(\\.[a-z0-9]{1,5})?",
        "[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?",
        btree_map("[-_.a-zA-Z0-9]{0,9}[-_a-zA-Z0-9]", any::<Vec<u8>>(), 0..5),
        // Of other characters than any value that could be taken for a leak.
        btree_map("example.com/[a-z]{1,8}", "[ .:]{0,10}", 0..3),
        btree_map("[a-z]{1,8}", "[.]{0,10}", 0..3),
        proptest::option::of("example.com/[a-z]{1,8}"),
        any::<Option<bool>>(),
    )
        .prop_filter("a key does not begin with two dots", |(_, _, items, ..)| {
            items.keys().all(|key| !key.starts_with(".."))
        })
        .prop_map(
            |(name, namespace, items, annotations, labels, type_, immutable)| {
                let mut secret = Secret::new(&name, Some(&namespace));
                secret.data = items
                    .into_iter()
                    .map(|(key, value)| (key, value.into()))
                    .collect();
                secret.set_strings("annotations", annotations);
                secret.set_strings("labels", labels);
                secret.type_ = type_;
                secret.immutable = immutable;
                secret
            },
        )
}

fn scopes() -> impl Strategy<Value = Scope> {
    proptest::sample::select(Scope::ALL.to_vec())
}

/// The Secret with the scope's annotation, which stays on it.
fn annotated(mut secret: Secret, scope: Scope) -> Secret {
    let mut annotations = secret.annotations();
    annotations.extend(
        scope
            .annotation()
            .map(|name| (name.to_owned(), "true".to_owned())),
    );
    secret.set_strings("annotations", annotations);
    secret
}

/// Metadata whatever the order of its fields.
fn sorted(metadata: Map<String, Value>) -> BTreeMap<String, Value> {
    metadata.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_sealed_opens_to_itself(secret in secrets(), scope in scopes(), lines: bool) {
        let object = seal_with(&secret, scope, 0);
        let object = if lines { object } else { without_lines(object) };
        let opened = RING.with(|ring| open(&object, ring)).unwrap();
        let secret = annotated(secret, scope);
        prop_assert_eq!(sorted(opened.secret.metadata), sorted(secret.metadata));
        prop_assert!(opened.secret.data == secret.data);
        prop_assert_eq!(opened.secret.type_, secret.type_);
        prop_assert_eq!(opened.secret.immutable, secret.immutable);
        prop_assert!(opened.keys.keys().eq(secret.data.keys()));
    }

    #[test]
    fn under_another_name_or_namespace_it_opens_only_as_far_as_its_scope_reaches(
        secret in secrets(), scope in scopes(), renamed: bool, moved: bool,
    ) {
        prop_assume!(!secret.data.is_empty());
        let mut object = seal_with(&secret, scope, 0);
        if renamed {
            object.metadata.name.as_mut().unwrap().push('0');
        }
        if moved {
            object.metadata.namespace.as_mut().unwrap().push('0');
        }
        let reaches = match scope {
            Scope::Strict => !renamed && !moved,
            Scope::NamespaceWide => !moved,
            Scope::ClusterWide => true,
        };
        prop_assert_eq!(RING.with(|ring| open(&object, ring)).is_ok(), reaches);
    }

    #[test]
    fn it_never_opens_in_another_scope(secret in secrets(), scope in scopes(), other in scopes()) {
        prop_assume!(!secret.data.is_empty() && scope != other);
        let object = crate::samples::rescoped(seal_with(&secret, scope, 0), other);
        prop_assert!(RING.with(|ring| open(&object, ring)).is_err());
    }
}
