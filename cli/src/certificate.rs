//! The certificate to seal with: from a file or URL, checked against its pin and the time.

use std::path::Path;

use jiff::Timestamp;
use seal_api::Reason;
use seal_envelope::{Certificate, CertificateError, KeyId, PublicKeyError, Validity};
use seal_shell::read_file;

use crate::{
    args::CertificateArgs,
    fetch, input,
    pin::pins_in,
    problem::{Place, Problem},
    report::Reporter,
    settings::{self, Setting},
};

/// A certificate file is a few kilobytes; a chain may be some more.
pub(crate) const LARGEST: usize = 1 << 20;

/// A certificate, where it came from, and the key id its file is pinned to.
pub(crate) struct Loaded {
    pub(crate) certificate: Certificate,
    pub(crate) source: String,
    pub(crate) pinned: Option<KeyId>,
}

/// The certificate for sealing: named by flag or environment, pinned as asked, valid now.
pub(crate) fn for_sealing(
    args: &CertificateArgs,
    now: Timestamp,
    reporter: &Reporter,
) -> Result<Certificate, Problem> {
    let Some(setting) = settings::cert(args.cert.as_deref())? else {
        return Err(not_named());
    };
    let loaded = load_named(&setting, args)?;
    check_validity(&loaded, now)?;
    if fetch::url_of(&setting.value).is_some() && settings::pin(args.pin)?.is_none() {
        warn_unpinned(&loaded, reporter);
    }
    Ok(loaded.certificate)
}

/// Who answers at a URL may answer with a certificate of their own. A pin in the answer itself proves nothing.
fn warn_unpinned(loaded: &Loaded, reporter: &Reporter) {
    let Loaded {
        certificate,
        source,
        ..
    } = loaded;
    let id = certificate.key_id().full();
    let message = format!(
        "sealing with key {id} from a URL, unpinned, so that a swapped certificate would go unnoticed; check the id with \
         the cluster's operators, then give it with --pin or SEAL_PIN, or keep a pinned file: \"seal cert pin {source}\""
    );
    reporter.warn(&Place::file(source), &message);
}

/// The certificate for sealing, where one is named at all.
pub(crate) fn if_named(args: &CertificateArgs) -> Result<Option<Loaded>, Problem> {
    let named = settings::cert(args.cert.as_deref())?;
    named.map(|setting| load_named(&setting, args)).transpose()
}

/// Loads what a flag or variable names; where there is no such file, the hint says who named it.
fn load_named(setting: &Setting, args: &CertificateArgs) -> Result<Loaded, Problem> {
    load(&setting.value, args.pin).map_err(|problem| {
        if problem.reason == Reason::Unreadable {
            let named = format!("{} names it as the certificate", setting.source);
            let hint = match &problem.hint {
                Some(hint) => format!("{named}; {hint}"),
                None => named,
            };
            problem.hint(hint)
        } else {
            problem
        }
    })
}

/// What looks like an address is taken for a file where it is no URL that can be fetched.
fn hint_at_url(problem: Problem, source: &str) -> Problem {
    let looks_like_url = source.contains(':') && !source.starts_with("file://");
    if problem.reason == Reason::Unreadable && looks_like_url {
        problem.hint("it is taken for a file, since a URL begins with http:// or https://")
    } else {
        problem
    }
}

fn not_named() -> Problem {
    Problem::new(Reason::NoCertificate, "no certificate is named").hint(
        "fetch the controller's once, with \"seal cert fetch --cluster --output seal-cert.pem\", or with \"seal cert pin URL\" where \
         there is no kubeconfig, commit the file, and name it with --cert or SEAL_CERT",
    )
}

/// Reads a certificate from a file or URL and checks both pins: the file's own and the one asked for.
pub(crate) fn load(source: &str, pin: Option<KeyId>) -> Result<Loaded, Problem> {
    let bytes = match fetch::url_of(source) {
        Some(url) => fetch::get(&url, LARGEST)?,
        None => bytes_of(fetch::path_of(source), &fetch::shown(source))
            .map_err(|problem| hint_at_url(problem, source))?,
    };
    checked(&fetch::shown(source), &bytes, pin)
}

/// Reads a certificate's PEM text and checks both pins: the text's own and the one asked for.
pub(crate) fn checked(source: &str, bytes: &[u8], pin: Option<KeyId>) -> Result<Loaded, Problem> {
    let asked = settings::pin(pin)?;
    let loaded = read(source, bytes)?;
    if let Some(Setting { value, source }) = asked {
        check_pin(&loaded, value, source)?;
    }
    Ok(loaded)
}

/// Reads a certificate's PEM text and checks it against the pins in it.
pub(crate) fn read(source: &str, bytes: &[u8]) -> Result<Loaded, Problem> {
    let mut loaded = Loaded {
        certificate: parse(source, bytes)?,
        source: source.to_owned(),
        pinned: None,
    };
    for pin in pins_in(source, bytes)? {
        check_pin(&loaded, pin, "the pin in the file")?;
        loaded.pinned = Some(pin);
    }
    Ok(loaded)
}

/// Checks a certificate against the pins beside it, and the one of the environment.
pub(crate) fn check_pins(loaded: &Loaded, bytes: &[u8]) -> Result<(), Problem> {
    for pin in pins_in(&loaded.source, bytes)? {
        check_pin(loaded, pin, "the pin in the file")?;
    }
    match settings::pin(None)? {
        Some(Setting { value, source }) => check_pin(loaded, value, source),
        None => Ok(()),
    }
}

/// Reads a certificate's PEM text alone, whatever pin stands beside it.
pub(crate) fn parse(source: &str, bytes: &[u8]) -> Result<Certificate, Problem> {
    Certificate::from_pem(bytes).map_err(|error| unusable(source, &error))
}

/// Reads a certificate file's bytes.
pub(crate) fn bytes_of(path: &Path, name: &str) -> Result<Vec<u8>, Problem> {
    read_file(path, LARGEST)
        .map(|bytes| bytes.to_vec())
        .map_err(|error| input::unreadable(name, &error))
}

fn check_pin(loaded: &Loaded, pin: KeyId, from: &str) -> Result<(), Problem> {
    let found = loaded.certificate.key_id();
    if found == pin {
        return Ok(());
    }
    let message = format!(
        "the certificate's key is {}, but {from} is {}",
        found.full(),
        pin.full()
    );
    Err(Problem::new(Reason::PinMismatch, message)
        .at(Place::file(&loaded.source))
        .hint("if the key was renewed on purpose, check the new id with the cluster's operators and pin it again"))
}

/// Refuses a certificate outside its validity period.
pub(crate) fn check_validity(loaded: &Loaded, now: Timestamp) -> Result<(), Problem> {
    let Loaded {
        certificate,
        source,
        ..
    } = loaded;
    let (reason, message) = match certificate.validity_at(now) {
        Validity::Valid => return Ok(()),
        Validity::Expired => (
            Reason::CertificateExpired,
            format!("the certificate expired on {}", certificate.not_after()),
        ),
        Validity::NotYetValid => (
            Reason::CertificateNotYetValid,
            format!(
                "the certificate is not valid before {}",
                certificate.not_before()
            ),
        ),
    };
    Err(Problem::new(reason, message).at(Place::file(source)).hint(
        "fetch the current certificate with \"seal cert fetch\", and check this machine's clock",
    ))
}

fn unusable(source: &str, error: &CertificateError) -> Problem {
    let reason = match error {
        CertificateError::PublicKey(PublicKeyError::NotRsa | PublicKeyError::Size { .. }) => {
            Reason::UnsupportedKey
        }
        _ => Reason::UnreadableCertificate,
    };
    Problem::new(reason, error.to_string()).at(Place::file(source))
}
