//! Keys and certificates that cannot serve: refused with the reason, and never shown.

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_tests::{keys, scratch::Scratch};
use serde_json::json;

use crate::samples::{MARKER, SECRET, fails_once, nothing_leaked, sealed_secret};

/// Checks that sealing with a certificate file fails with one error that names it.
#[track_caller]
fn certificate(content: &str, reason: &str, says: &str) {
    let scratch = Scratch::new();
    scratch.write("cert.pem", content);
    for arguments in [
        vec!["encrypt"],
        vec!["cert", "pin", "cert.pem"],
        vec!["cert", "fetch", "-o=new.pem", "cert.pem"],
    ] {
        let run = scratch
            .seal(&arguments)
            .env("SEAL_CERT", "cert.pem")
            .stdin(SECRET)
            .finish();
        let run = fails_once(run, reason).says(says).says("cert.pem: ");
        assert_eq!(run.out(), "");
    }
    assert_eq!(scratch.files().len(), 1, "nothing was written");
}

#[test]
fn certificates_that_cannot_serve() {
    let pem = |name| keys::pem(name);
    certificate(
        &pem("expired.crt"),
        "CertificateExpired",
        "expired on 2021-01-01",
    );
    certificate(
        &pem("not-yet-valid.crt"),
        "CertificateNotYetValid",
        "not valid before 2100",
    );
    certificate(&pem("ec.crt"), "UnsupportedKey", "not RSA");
    certificate(&pem("rsa-1024.crt"), "UnsupportedKey", "1024 bits");
    certificate(
        &pem("rsa-2048.key"),
        "UnreadableCertificate",
        "no PEM block \"CERTIFICATE\"",
    );
    certificate("", "UnreadableCertificate", "no PEM block");
    certificate(MARKER, "UnreadableCertificate", "no PEM block");
    let block =
        |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    certificate(
        &block(&STANDARD.encode(MARKER)),
        "UnreadableCertificate",
        "",
    );
    certificate(&block(MARKER), "UnreadableCertificate", "");
    let whole = pem("rsa-2048.crt");
    certificate(&whole[..whole.len() / 2], "UnreadableCertificate", "");
    certificate(&"x".repeat(2 << 20), "TooLarge", "is larger than 1 MiB");
}

/// Checks that unsealing with a key file fails with one error that names it.
#[track_caller]
fn key(content: impl AsRef<[u8]>, reason: &str, says: &str) {
    let scratch = Scratch::new();
    scratch.write("key", content);
    let run = scratch
        .seal(["unseal", "-", "--key=key"])
        .stdin(sealed_secret(&scratch))
        .finish();
    let run = fails_once(run, reason)
        .says(says)
        .says(&format!("error[{reason}]: key"));
    assert_eq!(run.out(), "");
    nothing_leaked(&scratch, &["key"]);
}

#[test]
fn private_keys_that_cannot_serve() {
    key(keys::pem("ec.key"), "UnsupportedKey", "not RSA");
    key(keys::pem("rsa-1024.key"), "UnsupportedKey", "1024 bits");
    key(keys::pem("rsa-2048.crt"), "UnreadableKey", "no PEM block");
    key("", "NoKey", "holds no private key");
    key("{\"items\": []}", "NoKey", "holds no private key");
    key(MARKER, "UnreadableKey", "");
    key("a: [", "InvalidSyntax", ":1:");
    key(b"\xff\xfe\xff", "InvalidEncoding", "");
    let block =
        |body: &str| format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    key(block(&STANDARD.encode(MARKER)), "UnreadableKey", "");
    key(block(MARKER), "UnreadableKey", "");
    let whole = keys::pem("rsa-2048.key");
    key(&whole[..whole.len() / 2], "UnreadableKey", "");
}

#[test]
fn key_secrets_that_cannot_serve() {
    let secret = |key: &str, certificate: &str| {
        json!({"kind": "Secret", "data": {"tls.key": STANDARD.encode(key), "tls.crt": STANDARD.encode(certificate)}}).to_string()
    };
    let (own, certificate) = (keys::pem("mismatched.key"), keys::pem("mismatched.crt"));
    key(secret(&own, &certificate), "MismatchedKey", "another key");
    key(secret(MARKER, &certificate), "UnreadableKey", "tls.key");
    key(
        secret(&keys::pem("rsa-2048.key"), MARKER),
        "UnreadableKey",
        "tls.crt",
    );
    key(
        secret(&keys::pem("ec.key"), ""),
        "UnsupportedKey",
        "not RSA",
    );
    key(SECRET, "UnreadableKey", "no tls.key");
    key(
        SECRET.replace("stringData", "data"),
        "UnreadableKey",
        "data.password is not base64",
    );
}
