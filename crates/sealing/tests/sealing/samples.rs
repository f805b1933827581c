//! Keys made once, Secrets to seal, and changes that people make to sealed files.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use seal_api::{Scope, SealedSecret, annotations};
use seal_envelope::{Certificate, KeySize, Label, OpeningKey, generate_key};
use seal_sealing::{Failure, HeldKey, KeyRing, Opened, Secret, UnsealOptions, seal, unseal};

/// As many as a cluster gathers in three years of monthly renewal.
pub(crate) const MOST_KEYS: usize = 37;

const DAY: SignedDuration = SignedDuration::from_hours(24);

struct Key {
    private: String,
    certificate: String,
    id: String,
}

/// Key `n` was made at noon of day `n`.
static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let key = |number| {
        let key = generate_key(KeySize::Rsa2048, "", noon_of(number), DAY).unwrap();
        Key {
            private: key.opening_key.to_pkcs1_pem().to_string(),
            certificate: key.certificate.to_pem(),
            id: key.certificate.key_id().short(),
        }
    };
    (0..MOST_KEYS).map(key).collect()
});

/// Noon of day `n`.
pub(crate) fn noon_of(day: usize) -> Timestamp {
    let hours = i32::try_from(24 * day + 12).unwrap();
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours.into())
}

/// The certificate of key `n`.
pub(crate) fn certificate(number: usize) -> Certificate {
    Certificate::from_pem(KEYS[number].certificate.as_bytes()).unwrap()
}

/// The short id of key `n`.
pub(crate) fn key_id(number: usize) -> &'static str {
    &KEYS[number].id
}

/// A ring of these keys, which have done no operation yet.
pub(crate) fn ring(numbers: impl IntoIterator<Item = usize>) -> KeyRing {
    let held = |number: usize| HeldKey {
        opening_key: OpeningKey::from_pem(KEYS[number].private.as_bytes()).unwrap(),
        certificate: Some(certificate(number)),
        created: noon_of(number),
    };
    KeyRing::new(numbers.into_iter().map(held).collect())
}

/// A Secret `prod/db`.
pub(crate) fn secret(items: &[(&str, &str)]) -> Secret {
    let mut secret = Secret::new("db", Some("prod"));
    secret.data = items
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.as_bytes().into()))
        .collect();
    secret
}

/// `prod/db` with the item `password`, sealed with key `n`.
pub(crate) fn sealed(scope: Scope, key: usize) -> SealedSecret {
    seal_with(&secret(&[("password", "correct horse")]), scope, key)
}

/// Seals with key `n`, on its day.
pub(crate) fn seal_with(secret: &Secret, scope: Scope, key: usize) -> SealedSecret {
    seal(secret, scope, &certificate(key), noon_of(key))
        .unwrap()
        .object
}

/// One value sealed with key `n`, as text.
pub(crate) fn sealed_text(value: &str, label: &Label, key: usize) -> String {
    let ciphertext = certificate(key).seal(value.as_bytes(), label).unwrap();
    ciphertext.as_str().to_owned()
}

/// Unseals with the default options.
pub(crate) fn open(object: &SealedSecret, ring: &KeyRing) -> Result<Opened, Failure> {
    unseal(object, ring, &UnsealOptions::default())
}

/// The object changed as by an editor; its item lines stay as they were.
pub(crate) fn changed(
    mut object: SealedSecret,
    change: impl FnOnce(&mut SealedSecret),
) -> SealedSecret {
    change(&mut object);
    object
}

/// The object under another name.
pub(crate) fn renamed(object: SealedSecret) -> SealedSecret {
    changed(object, |object| {
        object.metadata.name = Some("other".to_owned());
    })
}

/// The object in another namespace.
pub(crate) fn moved(object: SealedSecret) -> SealedSecret {
    changed(object, |object| {
        object.metadata.namespace = Some("test".to_owned());
    })
}

/// The object without item lines, as kubeseal makes it.
pub(crate) fn without_lines(object: SealedSecret) -> SealedSecret {
    changed(object, |object| annotate(object, annotations::ITEMS, None))
}

/// The object without a template, so that nothing tells what it once was.
pub(crate) fn without_template(object: SealedSecret) -> SealedSecret {
    changed(object, |object| object.spec.template = None)
}

/// The object with its scope annotation set for `scope`.
pub(crate) fn rescoped(object: SealedSecret, scope: Scope) -> SealedSecret {
    changed(object, |object| {
        for other in Scope::ALL.into_iter().filter_map(Scope::annotation) {
            annotate(object, other, None);
        }
        if let Some(annotation) = scope.annotation() {
            annotate(object, annotation, Some("true"));
        }
    })
}

/// Sets or removes an annotation of the SealedSecret.
pub(crate) fn annotate(object: &mut SealedSecret, name: &str, value: Option<&str>) {
    let annotations = object.metadata.annotations.get_or_insert_default();
    match value {
        Some(value) => annotations.insert(name.to_owned(), value.to_owned()),
        None => annotations.remove(name),
    };
}

/// A ciphertext with one character changed in its middle.
pub(crate) fn damaged(text: &str) -> String {
    let (start, end) = text.split_at(text.len() / 2);
    let other = if end.starts_with('A') { "B" } else { "A" };
    format!("{start}{other}{}", &end[1..])
}
