//! What one implementation seals the other opens: every scope, every key size, values of every kind.

use seal_envelope::{Certificate, Ciphertext, Label, OpeningKey};
use seal_tests::{keys, second};

/// Empty, text, bytes that are no text, and more than fits into any small buffer.
fn values() -> [Vec<u8>; 4] {
    let large = (0..1_500_000u32).map(|number| number.to_le_bytes()[1]);
    [
        Vec::new(),
        b"correct horse".to_vec(),
        vec![0, 0xff, b'\n', 0xc3, 0x28],
        large.collect(),
    ]
}

/// Each scope's label, for us and for the other.
fn labels() -> [(Label, &'static str); 3] {
    [
        (Label::strict("prod", "db"), "prod/db"),
        (Label::namespace_wide("prod"), "prod"),
        (Label::cluster_wide(), ""),
    ]
}

#[track_caller]
fn check(bits: u32) {
    let pem = keys::pem(&format!("rsa-{bits}.key"));
    let ours = OpeningKey::from_pem(pem.as_bytes()).unwrap();
    let certificate = keys::pem(&format!("rsa-{bits}.crt"));
    let certificate = Certificate::from_pem(certificate.as_bytes()).unwrap();
    let theirs = second::private_key(&pem);
    for (label, text_label) in labels() {
        for value in values() {
            let sealed_by_them = second::seal(&value, text_label, &theirs.to_public_key());
            let ciphertext = Ciphertext::parse(&sealed_by_them).unwrap();
            let opened = ours.open(&ciphertext, &label).expect("we open theirs");
            assert!(
                opened.as_bytes() == value,
                "another value: {} bytes",
                value.len()
            );

            let sealed_by_us = certificate.seal(&value, &label).unwrap();
            let opened = second::open(sealed_by_us.as_str(), text_label, &theirs);
            assert!(opened.expect("they open ours") == value, "another value");
        }
    }
}

#[test]
fn both_open_what_the_other_seals_with_2048_bits() {
    check(2048);
}

#[test]
fn both_open_what_the_other_seals_with_3072_bits() {
    check(3072);
}

#[test]
fn both_open_what_the_other_seals_with_4096_bits() {
    check(4096);
}

#[test]
fn both_open_what_the_other_seals_with_8192_bits() {
    check(8192);
}

#[test]
fn every_key_size_is_among_them() {
    assert_eq!(keys::SIZES, [2048, 3072, 4096, 8192]);
}

#[test]
fn neither_opens_under_another_label() {
    let pem = keys::pem("rsa-2048.key");
    let ours = OpeningKey::from_pem(pem.as_bytes()).unwrap();
    let certificate = Certificate::from_pem(keys::pem("rsa-2048.crt").as_bytes()).unwrap();
    let theirs = second::private_key(&pem);
    for (label, text_label) in labels() {
        let sealed_by_them = second::seal(b"value", text_label, &theirs.to_public_key());
        let sealed_by_them = Ciphertext::parse(&sealed_by_them).unwrap();
        let sealed_by_us = certificate.seal(b"value", &label).unwrap();
        for (other, other_text) in labels().into_iter().filter(|(other, _)| *other != label) {
            assert!(ours.open(&sealed_by_them, &other).is_none());
            assert!(second::open(sealed_by_us.as_str(), other_text, &theirs).is_none());
        }
    }
}

#[test]
fn both_read_line_breaks_in_the_text() {
    let pem = keys::pem("rsa-2048.key");
    let ours = OpeningKey::from_pem(pem.as_bytes()).unwrap();
    let theirs = second::private_key(&pem);
    let text = second::seal(b"value", "", &theirs.to_public_key());
    let (start, end) = text.split_at(76);
    let broken = format!("{start}\n{end}\r\n");
    let opened = ours.open(&Ciphertext::parse(&broken).unwrap(), &Label::cluster_wide());
    assert_eq!(opened.unwrap().as_bytes(), b"value");
    assert_eq!(second::open(&broken, "", &theirs).unwrap(), b"value");
}
