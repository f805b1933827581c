//! Format 1 as a user of the crate meets it: what is sealed opens, and nothing else does.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use seal_envelope::{
    Certificate, CertificateError, Ciphertext, CiphertextError, GeneratedKey, KeySize, Label,
    OpeningKey, OpeningKeyError, PublicKeyError, Validity, generate_key,
};

static KEY: LazyLock<GeneratedKey> = LazyLock::new(|| generate(KeySize::Rsa2048));
static OTHER: LazyLock<GeneratedKey> = LazyLock::new(|| generate(KeySize::Rsa2048));

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn generate(size: KeySize) -> GeneratedKey {
    generate_key(size, "", start(), SignedDuration::from_hours(24)).unwrap()
}

fn sealed(plaintext: &[u8], label: &Label) -> Ciphertext {
    KEY.certificate.seal(plaintext, label).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_value_opens_to_itself(value: Vec<u8>, namespace in "[a-z]{1,8}", name in "[a-z]{1,8}") {
        let label = Label::strict(&namespace, &name);
        let text = sealed(&value, &label).as_str().to_owned();
        let ciphertext = Ciphertext::parse(&text).unwrap();
        prop_assert_eq!(ciphertext.plaintext_len(), value.len());
        let opened = KEY.opening_key.open(&ciphertext, &label).unwrap();
        prop_assert_eq!(opened.as_bytes(), value.as_slice());
    }

    #[test]
    fn any_changed_byte_keeps_it_shut(position: prop::sample::Index, flip in 1..=255u8) {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let label = Label::namespace_wide("prod");
        let mut bytes = STANDARD.decode(sealed(b"value", &label).as_str()).unwrap();
        let position = position.index(bytes.len());
        bytes[position] ^= flip;
        let opened = Ciphertext::parse(&STANDARD.encode(bytes)).ok().and_then(|c| KEY.opening_key.open(&c, &label));
        prop_assert!(opened.is_none());
    }

    #[test]
    fn reading_never_panics(text in ".*", bytes: Vec<u8>) {
        let _ = Ciphertext::parse(&text);
        let _ = Certificate::from_pem(&bytes);
        let _ = OpeningKey::from_pem(&bytes);
        let _ = Certificate::from_der(&bytes);
    }
}

#[test]
fn another_label_or_another_key_does_not_open() {
    let label = Label::strict("prod", "db");
    let ciphertext = sealed(b"value", &label);
    for wrong in [
        Label::strict("prod", "db2"),
        Label::namespace_wide("prod"),
        Label::cluster_wide(),
    ] {
        assert!(KEY.opening_key.open(&ciphertext, &wrong).is_none());
    }
    assert!(OTHER.opening_key.open(&ciphertext, &label).is_none());
}

#[test]
fn each_opening_counts_one_operation_and_a_key_of_another_size_none() {
    let key = generate(KeySize::Rsa2048);
    let label = Label::cluster_wide();
    let ciphertext = key.certificate.seal(b"", &label).unwrap();
    assert_eq!(key.opening_key.operations(), 0);
    assert!(
        key.opening_key
            .open(&ciphertext, &label)
            .unwrap()
            .is_empty()
    );
    assert_eq!(key.opening_key.operations(), 1);

    let larger = generate(KeySize::Rsa3072);
    assert!(larger.opening_key.open(&ciphertext, &label).is_none());
    assert_eq!(larger.opening_key.operations(), 0);
}

#[test]
fn sealing_the_same_value_twice_gives_different_texts() {
    let label = Label::cluster_wide();
    assert_ne!(sealed(b"value", &label), sealed(b"value", &label));
}

#[test]
fn line_breaks_in_the_text_are_ignored_and_other_whitespace_is_not() {
    let text = sealed(b"values", &Label::cluster_wide())
        .as_str()
        .to_owned();
    let (start, end) = text.split_at(76);
    let broken = Ciphertext::parse(&format!("{start}\r\n{end}\n")).unwrap();
    assert_eq!(broken.as_str(), text);
    assert_eq!(
        Ciphertext::parse(&format!("{start} {end}")),
        Err(CiphertextError::NotBase64)
    );
    let unpadded = text.strip_suffix("==").expect("280 bytes are padded");
    assert_eq!(Ciphertext::parse(unpadded), Err(CiphertextError::NotBase64));
}

#[test]
fn truncated_texts_are_too_short_and_say_so() {
    assert_eq!(
        Ciphertext::parse(""),
        Err(CiphertextError::TooShort { bytes: 0 })
    );
    assert_eq!(
        Ciphertext::parse("AgAA"),
        Err(CiphertextError::TooShort { bytes: 3 })
    );
    assert_eq!(
        Ciphertext::parse("not base64!"),
        Err(CiphertextError::NotBase64)
    );
}

#[test]
fn a_generated_certificate_is_what_upstream_makes() {
    let certificate = &KEY.certificate;
    assert_eq!(certificate.bits(), 2048);
    assert_eq!(certificate.key_id(), KEY.opening_key.key_id());
    assert_eq!(certificate.not_before(), start());
    assert_eq!(
        certificate.not_after(),
        start() + SignedDuration::from_hours(24)
    );
    let read = Certificate::from_pem(certificate.to_pem().as_bytes()).unwrap();
    assert_eq!(read.key_id(), certificate.key_id());
    assert!(
        certificate
            .to_pem()
            .starts_with("-----BEGIN CERTIFICATE-----\n")
    );
    assert!(
        certificate
            .to_pem()
            .ends_with("-----END CERTIFICATE-----\n")
    );
}

#[test]
fn validity_includes_both_ends() {
    let second = SignedDuration::from_secs(1);
    let certificate = &KEY.certificate;
    assert_eq!(
        certificate.validity_at(start() - second),
        Validity::NotYetValid
    );
    assert_eq!(certificate.validity_at(start()), Validity::Valid);
    assert_eq!(
        certificate.validity_at(certificate.not_after()),
        Validity::Valid
    );
    assert_eq!(
        certificate.validity_at(certificate.not_after() + second),
        Validity::Expired
    );
}

#[test]
fn a_key_written_as_pkcs1_reads_back() {
    let pem = KEY.opening_key.to_pkcs1_pem();
    assert!(pem.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    assert_eq!(
        OpeningKey::from_pem(pem.as_bytes()).unwrap().key_id(),
        KEY.opening_key.key_id()
    );
}

#[test]
fn only_the_first_certificate_counts_and_text_around_it_does_not() {
    let pem = format!(
        "# bundle\n{}{}",
        KEY.certificate.to_pem(),
        OTHER.certificate.to_pem()
    );
    assert_eq!(
        Certificate::from_pem(pem.as_bytes()).unwrap().key_id(),
        KEY.certificate.key_id()
    );
}

#[test]
fn inputs_that_are_no_certificate_or_key_are_refused_by_name() {
    let certificate = KEY.certificate.to_pem();
    let key = KEY.opening_key.to_pkcs1_pem();
    assert_eq!(
        Certificate::from_pem(key.as_bytes()).unwrap_err(),
        CertificateError::NoCertificate
    );
    assert_eq!(
        Certificate::from_pem(b"\xff\xfe").unwrap_err(),
        CertificateError::NoCertificate
    );
    assert_eq!(
        OpeningKey::from_pem(certificate.as_bytes()).unwrap_err(),
        OpeningKeyError::NoPrivateKey
    );
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert_eq!(
        OpeningKey::from_pem(encrypted.as_bytes()).unwrap_err(),
        OpeningKeyError::Encrypted
    );
    let curve = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
    assert_eq!(
        OpeningKey::from_pem(curve.as_bytes()).unwrap_err(),
        OpeningKeyError::NotRsa
    );
}

#[test]
fn a_certificate_of_1024_bits_is_refused_with_its_size() {
    let error = Certificate::from_pem(include_bytes!("data/rsa-1024.crt")).unwrap_err();
    assert_eq!(
        error,
        CertificateError::PublicKey(PublicKeyError::Size { bits: 1024 })
    );
    let error = OpeningKey::from_pem(include_bytes!("data/rsa-1024.key")).unwrap_err();
    assert_eq!(error, OpeningKeyError::Size { bits: 1024 });
}

#[test]
fn an_elliptic_curve_certificate_is_refused_by_name() {
    let error = Certificate::from_pem(include_bytes!("data/ec.crt")).unwrap_err();
    assert_eq!(error, CertificateError::PublicKey(PublicKeyError::NotRsa));
    assert_eq!(
        OpeningKey::from_pem(include_bytes!("data/ec.key")).unwrap_err(),
        OpeningKeyError::NotRsa
    );
}

#[test]
fn debug_output_of_keys_shows_the_id_only() {
    let text = format!("{:?}", *KEY);
    assert!(text.contains(&KEY.opening_key.key_id().short()));
    assert!(!text.contains("PRIVATE"));
    assert!(text.len() < 400, "{text}");
}
