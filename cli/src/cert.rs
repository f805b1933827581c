//! `seal cert`: certificates fetched, looked at and pinned.

mod present;

use jiff::Timestamp;
use seal_api::Reason;
use seal_envelope::{Certificate, Validity};
use serde_json::json;

use crate::{
    args::{CertFetchArgs, CertPinArgs, CertShowArgs, Format, SourceArgs},
    certificate::{self, Loaded},
    cluster::{Access, Cluster, Controller},
    output::{self, is_stdout},
    pin::PIN_LINE,
    problem::{Place, Problem},
    report::Reporter,
    settings,
};
use present::Present;

pub(crate) fn fetch(args: &CertFetchArgs, reporter: &Reporter) -> Result<(), Problem> {
    let loaded = if args.asks_cluster() {
        from_cluster(args, reporter)?
    } else {
        load(&args.source)?
    };
    let certificate = &loaded.certificate;
    reporter.note(&Place::file(&loaded.source), &summary(certificate));
    certificate::check_validity(&loaded, Timestamp::now())?;
    let pem = certificate.to_pem();
    let Some(path) = args.output.as_deref().filter(|path| !is_stdout(path)) else {
        return output::print(pem.as_bytes());
    };
    let present = Present::at(path)?;
    if let Some(present) = &present {
        present.check_replaced_by(certificate, args.replace)?;
        present.note(certificate, reporter);
    }
    // A file that is pinned to this key stays so.
    if present
        .as_ref()
        .is_some_and(|present| present.is_pinned_to(certificate))
    {
        return output::replace(path, pinned(certificate).as_bytes(), None);
    }
    output::replace(path, pem.as_bytes(), None)?;
    if let Some(present) = present {
        present.note_unpinned(certificate, reporter);
    }
    Ok(())
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
    if let Some(present) = Present::at(&args.output)? {
        present.check_replaced_by(certificate, args.replace)?;
        present.note(certificate, reporter);
    }
    output::replace(&args.output, pinned(certificate).as_bytes(), None)
}

/// A certificate with its pin.
fn pinned(certificate: &Certificate) -> String {
    format!(
        "{PIN_LINE}{}\n{}",
        certificate.key_id().full(),
        certificate.to_pem()
    )
}

fn load(args: &SourceArgs) -> Result<Loaded, Problem> {
    // What is named here is what is meant, also where the environment names the certificate to seal with.
    let source = match &args.source {
        Some(source) => source.clone(),
        None => settings::cert(None)?
            .map(|setting| setting.value)
            .ok_or_else(not_named)?,
    };
    certificate::load(&source, args.pin)
}

/// The certificate of a cluster's controller: the first way that leads to one, with a word on those that did not.
fn from_cluster(args: &CertFetchArgs, reporter: &Reporter) -> Result<Loaded, Problem> {
    let controller = &args.controller;
    let controller = Controller::of(
        controller.controller_name.as_deref(),
        controller.controller_namespace.as_deref(),
    );
    let name = format!("controller {}/{}", controller.namespace, controller.name);
    let mut failed = Vec::new();
    let cluster = Cluster::connect(&Access::of(&args.context), controller)
        .map_err(|problem| failed.push(problem))
        .ok();
    let found = cluster.and_then(|cluster| certificate_of(&cluster, &mut failed));
    if found.is_none() && args.source.source.is_none() {
        let all: Vec<&str> = failed
            .iter()
            .map(|problem| problem.message.as_str())
            .collect();
        let hint = match failed.as_slice() {
            [
                Problem {
                    hint: Some(hint), ..
                },
            ] => hint,
            [_] => "check --kubeconfig and --context",
            _ => {
                "check --context, --controller-name and --controller-namespace, and that the controller runs; or name a URL or file as well"
            }
        };
        return Err(Problem::new(Reason::FetchFailed, all.join("; "))
            .at(Place::file(&name))
            .hint(hint));
    }
    for problem in &failed {
        reporter.note(&Place::file(&name), &problem.message);
    }
    match found {
        Some(bytes) => certificate::checked(&name, &bytes, args.source.pin),
        None => load(&args.source),
    }
}

/// The ConfigMap first: whoever may log in may read it, which does not hold for the proxy to the Service.
fn certificate_of(cluster: &Cluster, failed: &mut Vec<Problem>) -> Option<Vec<u8>> {
    let mut or_remember = |result: Result<Vec<u8>, Problem>| {
        let remember = |problem: Problem| {
            // Where nothing of the cluster can be reached, both ways fail alike.
            if failed
                .last()
                .is_none_or(|last| last.message != problem.message)
            {
                failed.push(problem);
            }
        };
        result.map_err(remember).ok()
    };
    or_remember(cluster.certificate_in_config_map()).or_else(|| or_remember(cluster.certificate()))
}

fn not_named() -> Problem {
    Problem::new(Reason::NoCertificate, "no certificate is named")
        .hint("name a file or a controller's URL; \"seal cert fetch --cluster\" asks the cluster of the kubeconfig")
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
