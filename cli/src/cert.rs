//! `seal cert`: certificates fetched, looked at and pinned.

use std::path::Path;

use jiff::Timestamp;
use seal_api::Reason;
use seal_envelope::{Certificate, Validity};
use serde_json::json;

use crate::{
    args::{CertFetchArgs, CertPinArgs, CertShowArgs, Format, SourceArgs},
    certificate::{self, Loaded, PIN_LINE},
    output,
    problem::{Place, Problem},
    report::Reporter,
    settings,
};

pub(crate) fn fetch(args: &CertFetchArgs, reporter: &Reporter) -> Result<(), Problem> {
    let loaded = load(&args.source)?;
    let place = Place::file(&loaded.source);
    reporter.note(&place, &summary(&loaded.certificate));
    certificate::check_validity(&loaded, Timestamp::now())?;
    if let Some(path) = &args.output {
        note_replaced(path, &loaded.certificate, reporter);
    }
    output::deliver(
        args.output.as_deref(),
        loaded.certificate.to_pem().as_bytes(),
    )
}

pub(crate) fn show(args: &CertShowArgs, reporter: &Reporter) -> Result<(), Problem> {
    let loaded = load(&args.source)?;
    let text = match reporter.format() {
        Format::Text => description(&loaded),
        Format::Json => format!("{}\n", json_description(&loaded)),
    };
    output::print(text.as_bytes())
}

pub(crate) fn pin(args: &CertPinArgs, reporter: &Reporter) -> Result<(), Problem> {
    let loaded = load(&args.source)?;
    certificate::check_validity(&loaded, Timestamp::now())?;
    let certificate = &loaded.certificate;
    reporter.note(&Place::file(&loaded.source), &summary(certificate));
    if let Some(present) = present(&args.output)? {
        let (old, new) = (present.certificate.key_id(), certificate.key_id());
        if old != new && !args.replace {
            let message = format!(
                "the file is pinned to key {}, the certificate's key is {}",
                old.full(),
                new.full()
            );
            return Err(Problem::new(Reason::PinMismatch, message)
                .at(Place::file(&args.output.display().to_string()))
                .hint("check the new id with the cluster's operators, then run it again with --replace"));
        }
        note_replaced(&args.output, certificate, reporter);
    }
    let text = format!(
        "{PIN_LINE}{}\n{}",
        certificate.key_id().full(),
        certificate.to_pem()
    );
    output::replace(&args.output, text.as_bytes(), None)
}

fn load(args: &SourceArgs) -> Result<Loaded, Problem> {
    // What is named here is what is meant, also where the environment names the certificate to seal with.
    let source = match &args.source {
        Some(source) => source.clone(),
        None => settings::cert(None)?
            .map(|setting| setting.value)
            .ok_or_else(not_named)?,
    };
    certificate::load(&source, args.pin.as_deref())
}

fn not_named() -> Problem {
    Problem::new(Reason::NoCertificate, "no certificate is named")
        .hint("name a file, or a controller's URL")
}

/// The certificate that a file holds now; a file that is there and holds none is an error, lest something else be lost.
fn present(path: &Path) -> Result<Option<Loaded>, Problem> {
    if !path.try_exists().unwrap_or(false) {
        return Ok(None);
    }
    certificate::load(&path.display().to_string(), None).map(Some)
}

fn note_replaced(path: &Path, new: &Certificate, reporter: &Reporter) {
    let name = path.display().to_string();
    let Some(present) = present(path).ok().flatten() else {
        return;
    };
    let message = if present.certificate.key_id() == new.key_id() {
        "the key stays the same".to_owned()
    } else {
        format!(
            "replaces the certificate of key {}",
            summary(&present.certificate)
        )
    };
    reporter.note(&Place::file(&name), &message);
}

fn summary(certificate: &Certificate) -> String {
    format!(
        "{} (RSA {}, valid from {} to {})",
        certificate.key_id().full(),
        certificate.bits(),
        certificate.not_before(),
        certificate.not_after()
    )
}

fn validity(certificate: &Certificate) -> &'static str {
    match certificate.validity_at(Timestamp::now()) {
        Validity::Valid => "valid",
        Validity::Expired => "expired",
        Validity::NotYetValid => "not yet valid",
    }
}

fn description(loaded: &Loaded) -> String {
    let Loaded {
        certificate,
        source,
        pinned,
    } = loaded;
    format!(
        "certificate  {source}\nkey id       {}\nshort id     {}\nkey          RSA {}\nvalid        {} to {} ({})\npinned       {}\n",
        certificate.key_id().full(),
        certificate.key_id().short(),
        certificate.bits(),
        certificate.not_before(),
        certificate.not_after(),
        validity(certificate),
        if pinned.is_some() {
            "yes, and the pin is right"
        } else {
            "no"
        },
    )
}

fn json_description(loaded: &Loaded) -> serde_json::Value {
    let Loaded {
        certificate,
        source,
        pinned,
    } = loaded;
    json!({
        "source": source,
        "keyId": certificate.key_id().full(),
        "shortKeyId": certificate.key_id().short(),
        "bits": certificate.bits(),
        "notBefore": certificate.not_before(),
        "notAfter": certificate.not_after(),
        "validity": validity(certificate),
        "pinned": pinned.is_some(),
    })
}
