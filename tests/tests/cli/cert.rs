//! `seal cert`, and certificates from files and URLs: shown, fetched, pinned, and refused.

use std::{io::Write, thread, time::Duration};

use seal_tests::{keys, run::Finished, scratch::Scratch};
use serde_json::Value;

use crate::{
    samples::{MARKER, SECRET, document, fails_once, sealed_secret, texts, values},
    server::Server,
};

/// The full key id of a certificate, as `seal cert show` prints it.
pub(crate) fn key_id(certificate: &str) -> String {
    let shown = Scratch::new()
        .seal(["cert", "show", "--format=json"])
        .arg(keys::path(certificate))
        .finish()
        .exits(0);
    let shown: Value = serde_json::from_str(shown.out()).expect("it is JSON");
    shown["keyId"].as_str().expect("it is a text").to_owned()
}

fn pem(certificate: &str) -> Vec<u8> {
    keys::pem(certificate).into_bytes()
}

#[track_caller]
fn fetch(scratch: &Scratch, url: &str) -> Finished {
    scratch
        .seal(["cert", "fetch", url, "-o", "cert.pem"])
        .env("NO_PROXY", "127.0.0.1")
        .finish()
}

#[test]
fn show_says_what_a_certificate_is() {
    let run = Scratch::new()
        .seal(["cert", "show"])
        .arg(keys::path("rsa-4096.crt"))
        .finish()
        .exits(0);
    for line in ["key          RSA 4096\n", "(valid)\n", "pinned       no\n"] {
        assert!(run.out().contains(line), "{}", run.out());
    }
    assert_eq!(key_id("rsa-4096.crt").len(), 64);
}

#[test]
fn show_tells_of_certificates_that_are_of_no_use_now() {
    for (name, validity) in [
        ("expired.crt", "expired"),
        ("not-yet-valid.crt", "not yet valid"),
    ] {
        let run = Scratch::new()
            .seal(["cert", "show", "--format", "json"])
            .env("SEAL_CERT", keys::path(name))
            .finish()
            .exits(0);
        let shown: Value = serde_json::from_str(run.out()).expect("it is JSON");
        assert_eq!(shown["validity"], validity);
    }
}

#[test]
fn a_controller_is_asked_at_its_path_and_a_url_at_its_own() {
    let scratch = Scratch::new();
    let server = Server::answering("200 OK", pem("rsa-2048.crt"));
    for (path, asked) in [
        ("", "/v1/cert.pem"),
        ("/", "/v1/cert.pem"),
        ("/keys/prod.pem", "/keys/prod.pem"),
    ] {
        fetch(&scratch, &server.url(path))
            .exits(0)
            .says(&key_id("rsa-2048.crt"));
        assert_eq!(
            server.requests().pop(),
            Some(format!("GET {asked} HTTP/1.1"))
        );
    }
    assert_eq!(scratch.read("cert.pem"), keys::pem("rsa-2048.crt"));
}

#[test]
fn sealing_takes_a_certificate_from_a_url() {
    let server = Server::answering("200 OK", pem("rsa-2048.crt"));
    let run = Scratch::new()
        .seal(["encrypt", "--cert", &server.url("")])
        .env("NO_PROXY", "*")
        .stdin(SECRET)
        .finish()
        .exits(0);
    assert_eq!(values(&document(run.out())), texts([("password", MARKER)]));
}

#[test]
fn a_certificate_from_a_url_is_warned_about_unless_it_is_pinned() {
    let id = key_id("rsa-2048.crt");
    // A pin that the server itself sends is none.
    let answer = format!("seal pin: {id}\n{}", keys::pem("rsa-2048.crt"));
    let server = Server::answering("200 OK", answer);
    let scratch = Scratch::new();
    scratch.write("s.yaml", sealed_secret(&scratch));
    let check = |arguments: &[&str], warnings: usize| {
        let run = scratch
            .seal(arguments)
            .stdin(SECRET)
            .finish()
            .exits(0)
            .never_shows(MARKER);
        let said = run.err();
        assert_eq!(
            said.matches("would go unnoticed").count(),
            warnings,
            "{said}"
        );
        assert_eq!(said.matches(&id).count(), warnings, "{said}");
    };
    let url = server.url("");
    for command in [
        "encrypt",
        "raw --scope=cluster-wide",
        "create x -n=a --from-file=p=-",
        "set s.yaml --from-file=p=-",
    ] {
        let words = || command.split(' ').chain(["--cert", &url]);
        check(&words().collect::<Vec<_>>(), 1);
        check(&words().chain(["--pin", &id]).collect::<Vec<_>>(), 0);
    }
    scratch.write("cert.pem", keys::pem("rsa-2048.crt"));
    check(&["encrypt", "--cert=cert.pem"], 0);
    check(&["set", "s.yaml", "--remove=p", "--cert", &url], 0);
    let run = scratch
        .seal(["encrypt"])
        .env("SEAL_CERT", &url)
        .env("SEAL_PIN", &id)
        .stdin(SECRET)
        .finish()
        .exits(0);
    assert_eq!(run.err(), "");
}

#[test]
fn no_proxy_leads_to_this_machine_and_no_password_is_shown() {
    let server = Server::answering("200 OK", pem("rsa-2048.crt"));
    let url = server
        .url("")
        .replace("http://", &format!("http://me:{MARKER}@"));
    Scratch::new()
        .seal(["cert", "show", &url])
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .finish()
        .exits(0)
        .never_shows(MARKER);
}

#[test]
fn a_redirect_is_not_followed() {
    let target = Server::answering("200 OK", pem("rsa-2048.crt"));
    let to = target.url("/real.pem");
    let server = Server::new(move |stream| {
        write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    });
    let run = fetch(&Scratch::new(), &server.url("/moved"));
    fails_once(run, "FetchFailed").says("the server answered 302, a redirect");
    assert!(target.requests().is_empty());
}

#[track_caller]
fn refused(server: &Server, reason: &str, says: &str) {
    let scratch = Scratch::new();
    let run = fetch(&scratch, &server.url(""));
    fails_once(run, reason).says(says).says("http://127.0.0.1:");
    assert!(scratch.files().is_empty());
}

#[test]
fn answers_that_are_no_certificate_are_refused() {
    refused(
        &Server::answering("500 Oh no", MARKER),
        "FetchFailed",
        "the server answered 500",
    );
    refused(
        &Server::answering("404 Not Found", ""),
        "FetchFailed",
        "the server answered 404",
    );
    refused(
        &Server::answering("200 OK", MARKER),
        "UnreadableCertificate",
        "no PEM block",
    );
    refused(
        &Server::answering("200 OK", vec![b'x'; 3 << 20]),
        "FetchFailed",
        "cannot be fetched",
    );
    refused(
        &Server::answering("200 OK", pem("ec.crt")),
        "UnsupportedKey",
        "not RSA",
    );
    refused(&Server::new(|_| Ok(())), "FetchFailed", "cannot be fetched");
    refused(
        &Server::new(|stream| stream.write_all(b"SSH-2.0-x\r\n")),
        "FetchFailed",
        "cannot be fetched",
    );
}

#[test]
fn an_endless_or_silent_server_is_given_up() {
    let drip = Server::new(|stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n")?;
        loop {
            stream.write_all(b"x")?;
            thread::sleep(Duration::from_millis(200));
        }
    });
    let silent = Server::new(|_| {
        thread::sleep(Duration::from_secs(50));
        Ok(())
    });
    thread::scope(|scope| {
        scope.spawn(|| refused(&drip, "FetchFailed", "timeout"));
        scope.spawn(|| refused(&silent, "FetchFailed", "timeout"));
    });
}

#[test]
fn nobody_listening_is_said() {
    let run = fetch(&Scratch::new(), "http://127.0.0.1:1/cert.pem");
    fails_once(run, "FetchFailed").says("http://127.0.0.1:1/cert.pem: cannot be fetched");
}

#[test]
fn fetching_shows_what_is_replaced() {
    let scratch = Scratch::new();
    let server = |name| Server::answering("200 OK", pem(name));
    fetch(&scratch, &server("rsa-2048.crt").url("")).exits(0);
    fetch(&scratch, &server("rsa-2048.crt").url(""))
        .exits(0)
        .says("the key stays the same");
    let run = fetch(&scratch, &server("rsa-3072.crt").url(""));
    fails_once(run, "PinMismatch")
        .says("cert.pem: the file holds the certificate of key")
        .says("--replace");
    assert_eq!(scratch.read("cert.pem"), keys::pem("rsa-2048.crt"));
    fetch_file(&scratch, "rsa-3072.crt", &["--replace"])
        .exits(0)
        .says(&format!(
            "replaces the certificate of key {}",
            key_id("rsa-2048.crt")
        ));
    assert_eq!(scratch.read("cert.pem"), keys::pem("rsa-3072.crt"));
    let run = fetch(&scratch, &server("expired.crt").url(""));
    fails_once(run, "CertificateExpired");
    assert_eq!(scratch.read("cert.pem"), keys::pem("rsa-3072.crt"));
}

/// Fetches a certificate file into `cert.pem`.
#[track_caller]
fn fetch_file(scratch: &Scratch, name: &str, flags: &[&str]) -> Finished {
    scratch
        .seal(["cert", "fetch", "-o", "cert.pem"])
        .args(flags)
        .arg(keys::path(name))
        .finish()
}

#[test]
fn fetching_never_replaces_what_is_no_certificate() {
    let scratch = Scratch::new();
    let both = keys::pem("rsa-2048.crt") + &keys::pem("rsa-2048.key");
    for (content, reason) in [
        (keys::pem("rsa-2048.key"), "UnreadableCertificate"),
        (MARKER.to_owned(), "UnreadableCertificate"),
        (both, "Conflict"),
    ] {
        scratch.write("cert.pem", &content);
        let run = fetch_file(&scratch, "rsa-2048.crt", &["--replace"]);
        fails_once(run, reason).says("cert.pem");
        assert_eq!(scratch.read("cert.pem"), content);
    }
}

#[test]
fn fetching_keeps_a_pin() {
    let scratch = Scratch::new();
    scratch
        .seal(["cert", "pin", "-o", "cert.pem"])
        .arg(keys::path("rsa-2048.crt"))
        .finish()
        .exits(0);
    let before = scratch.read("cert.pem");
    fetch_file(&scratch, "rsa-2048.crt", &[]).exits(0);
    assert_eq!(scratch.read("cert.pem"), before);
    fails_once(fetch_file(&scratch, "rsa-3072.crt", &[]), "PinMismatch").says("is pinned to key");
    assert_eq!(scratch.read("cert.pem"), before);
    let (old, new) = (key_id("rsa-2048.crt"), key_id("rsa-3072.crt"));
    fetch_file(&scratch, "rsa-3072.crt", &["--replace"])
        .exits(0)
        .says(&format!(
            "drops the pin to key {old}; the new certificate's key {new} is not pinned"
        ));
    assert_eq!(scratch.read("cert.pem"), keys::pem("rsa-3072.crt"));
    let run = fetch_file(&scratch, "rsa-2048.crt", &["--replace"]).exits(0);
    assert!(!run.err().contains("drops"), "{}", run.err());
}

#[test]
fn a_file_with_a_wrong_pin_is_replaced_when_asked_for() {
    for pin in [key_id("rsa-3072.crt"), "12".to_owned()] {
        let scratch = Scratch::new();
        scratch.write(
            "seal-cert.pem",
            format!("seal pin: {pin}\n{}", keys::pem("rsa-2048.crt")),
        );
        let certificate = keys::path("rsa-2048.crt");
        let run = scratch.seal(["cert", "pin"]).arg(&certificate).finish();
        fails_once(run, "PinMismatch").says("--replace");
        scratch
            .seal(["cert", "pin", "--replace"])
            .arg(&certificate)
            .finish()
            .exits(0);
        assert!(
            scratch
                .read("seal-cert.pem")
                .contains(&key_id("rsa-2048.crt"))
        );
    }
}

#[test]
fn several_pins_must_all_be_right() {
    let scratch = Scratch::new();
    let pin = |name: &str| format!("seal pin: {}\n", key_id(name));
    let (own, other) = (pin("rsa-2048.crt"), pin("rsa-3072.crt"));
    let text = own.clone() + &keys::pem("rsa-2048.crt");
    scratch.write("cert.pem", text.clone() + &own);
    scratch.seal(["cert", "show", "cert.pem"]).finish().exits(0);
    scratch.write("cert.pem", text + &other);
    let run = scratch.seal(["cert", "show", "cert.pem"]).finish();
    fails_once(run, "PinMismatch");
}

#[test]
fn fetch_prints_to_standard_output() {
    let run = Scratch::new()
        .seal(["cert", "fetch", "--pin", &key_id("rsa-2048.crt")])
        .arg(keys::path("rsa-2048.crt"))
        .finish()
        .exits(0);
    assert_eq!(run.out(), keys::pem("rsa-2048.crt"));
}

#[test]
fn a_pin_that_does_not_match_is_an_error_that_names_both() {
    let (own, other) = (key_id("rsa-2048.crt"), key_id("rsa-3072.crt"));
    let certificate = keys::path("rsa-2048.crt");
    let scratch = Scratch::new();
    scratch.write("s.yaml", sealed_secret(&scratch));
    for command in [
        vec!["encrypt"],
        vec!["raw", "-n=a", "--name=b"],
        vec!["create", "x", "-n=a", "--from-file=p=-"],
        vec!["inspect"],
        vec!["set", "s.yaml", "--from-file=p=-"],
    ] {
        let run = scratch
            .seal(&command)
            .arg("--cert")
            .arg(&certificate)
            .args(["--pin", &other])
            .stdin(SECRET)
            .finish();
        let run = fails_once(run, "PinMismatch").says(&own).says(&other);
        assert_eq!(run.out(), "");
    }
    let run = scratch
        .seal(["cert", "show"])
        .arg(&certificate)
        .env("SEAL_PIN", &other)
        .finish();
    fails_once(run, "PinMismatch").says("SEAL_PIN").says(&other);
    for command in ["fetch", "show", "pin"] {
        let run = scratch
            .seal(["cert", command, "--pin", &other])
            .arg(&certificate)
            .finish();
        fails_once(run, "PinMismatch").says("--pin").says(&other);
    }
    scratch
        .seal(["cert", "show", "--pin", &own.to_uppercase()])
        .arg(&certificate)
        .finish()
        .exits(0);
    assert_eq!(scratch.files().len(), 1);
}

#[test]
fn a_pinned_file_is_checked_whenever_it_is_used() {
    let scratch = Scratch::new();
    scratch
        .seal(["cert", "pin"])
        .arg(keys::path("rsa-2048.crt"))
        .finish()
        .exits(0);
    let pinned = scratch.read("seal-cert.pem");
    assert!(pinned.starts_with(&format!("seal pin: {}\n-----BEGIN", key_id("rsa-2048.crt"))));
    scratch
        .seal(["--cert", "seal-cert.pem"])
        .stdin(SECRET)
        .finish()
        .exits(0);
    let shown = scratch
        .seal(["cert", "show", "seal-cert.pem"])
        .finish()
        .exits(0);
    assert!(shown.out().contains("pinned       yes"), "{}", shown.out());

    let body = pinned.lines().next().expect("it has a line").to_owned()
        + "\n"
        + &keys::pem("rsa-3072.crt");
    scratch.write("seal-cert.pem", body);
    let run = scratch
        .seal(["--cert", "seal-cert.pem"])
        .stdin(SECRET)
        .finish();
    fails_once(run, "PinMismatch").says("the pin in the file");
    scratch.write(
        "broken.pem",
        format!("seal pin: 12\n{}", keys::pem("rsa-3072.crt")),
    );
    let run = scratch
        .seal(["--cert", "broken.pem"])
        .stdin(SECRET)
        .finish();
    fails_once(run, "InvalidValue").says("broken.pem");
}

#[test]
fn pinning_another_key_needs_replace() {
    let scratch = Scratch::new();
    let pin = |name: &str, flags: &[&str]| {
        scratch
            .seal(["cert", "pin", "-o", "c.pem"])
            .args(flags)
            .arg(keys::path(name))
            .finish()
    };
    pin("rsa-2048.crt", &[]).exits(0);
    let first = scratch.read("c.pem");
    pin("rsa-2048.crt", &[])
        .exits(0)
        .says("c.pem: the key stays the same");
    let run = pin("rsa-3072.crt", &[]);
    fails_once(run, "PinMismatch")
        .says("c.pem: the file is pinned to key")
        .says("--replace");
    assert_eq!(scratch.read("c.pem"), first);
    pin("rsa-3072.crt", &["--replace"])
        .exits(0)
        .says("c.pem: replaces the certificate of key e378cdde6ddcabda");
    assert!(scratch.read("c.pem").contains(&key_id("rsa-3072.crt")));
}

#[test]
fn pinning_never_replaces_a_file_that_is_no_certificate() {
    let scratch = Scratch::new();
    scratch.write("c.pem", MARKER);
    let run = scratch
        .seal(["cert", "pin", "--replace", "-o", "c.pem"])
        .arg(keys::path("rsa-2048.crt"))
        .finish();
    fails_once(run, "UnreadableCertificate")
        .says("c.pem")
        .says("it is the file to write to");
    assert_eq!(scratch.read("c.pem"), MARKER);
}

#[test]
fn no_certificate_at_all_says_how_to_get_one() {
    let scratch = Scratch::new();
    let run = scratch.seal([] as [&str; 0]).stdin(SECRET).finish();
    fails_once(run, "NoCertificate").says("seal cert pin");
    let run = scratch.seal(["cert", "show"]).finish();
    fails_once(run, "NoCertificate").says("controller's URL");
}

#[test]
fn a_file_url_is_a_file() {
    let url = format!("file://{}", keys::path("rsa-2048.crt").display());
    Scratch::new()
        .seal(["cert", "show", &url])
        .finish()
        .exits(0);
}

#[test]
fn what_is_named_wins_over_the_environment() {
    let run = Scratch::new()
        .seal(["cert", "show"])
        .arg(keys::path("rsa-3072.crt"))
        .env("SEAL_CERT", keys::path("rsa-2048.crt"))
        .finish()
        .exits(0);
    assert!(run.out().contains("RSA 3072"), "{}", run.out());
}

#[test]
fn what_is_no_url_is_a_file_and_shows_no_password() {
    let scratch = Scratch::new();
    let source = format!("htps://me:{MARKER}@example.com/cert.pem");
    let hint = "a URL begins with http:// or https://";
    for command in ["fetch", "show", "pin"] {
        let run = scratch.seal(["cert", command, &source]).finish();
        fails_once(run, "Unreadable")
            .says("htps://example.com/cert.pem: cannot be read")
            .says(hint);
    }
    let raw = scratch.seal(["raw", "--name=db", "-n=prod"]);
    let run = raw.env("SEAL_CERT", &source).finish();
    fails_once(run, "Unreadable").says(&format!(
        "SEAL_CERT names it as the certificate; it is taken for a file, since {hint}"
    ));
    let run = scratch.seal(["cert", "show", "localhost:8080"]).finish();
    fails_once(run, "Unreadable").says(hint);
}
