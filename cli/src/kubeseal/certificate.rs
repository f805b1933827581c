//! The certificate: from `--cert`, or from the controller.

use seal_api::Reason;
use seal_envelope::{Certificate, CertificateError, PublicKeyError, Validity};

use super::{Call, files};
use crate::{
    certificate::{self, Loaded},
    fetch,
    problem::{Place, Problem},
    report::Reporter,
};

/// The bytes of a certificate, and where they come from.
pub(super) struct Bytes {
    pub(super) bytes: Vec<u8>,
    source: String,
}

/// What `--cert` names, byte for byte, or what the controller gives.
pub(super) fn bytes(call: &Call) -> Result<Bytes, Problem> {
    let Some(source) = call.values.text("cert") else {
        return Ok(Bytes {
            bytes: call.cluster()?.certificate()?,
            source: "the controller's certificate".to_owned(),
        });
    };
    let bytes = if fetch::is_url(source) {
        fetch::get_as_named(source, certificate::LARGEST)?
    } else {
        files::read_bytes(fetch::path_of(source))?.to_vec()
    };
    Ok(Bytes {
        bytes,
        source: fetch::shown(source),
    })
}

/// The certificate to seal with: not expired, and the pinned one where there is a pin.
pub(super) fn for_sealing(call: &Call, reporter: &Reporter) -> Result<Certificate, Problem> {
    let Bytes { bytes, source } = bytes(call)?;
    let certificate = Certificate::from_pem(&bytes).map_err(|error| unusable(&source, &error))?;
    let loaded = Loaded {
        certificate,
        source,
        pinned: None,
    };
    certificate::check_pins(&loaded, &bytes)?;
    let certificate = loaded.certificate;
    match certificate.validity_at(call.now) {
        Validity::Valid => Ok(certificate),
        Validity::Expired => {
            let expired = certificate.not_after().strftime("%B %-d, %Y");
            let message = format!("failed to encrypt using an expired certificate on {expired}");
            Err(Problem::new(Reason::CertificateExpired, message)
                .hint("fetch the current one with --fetch-cert"))
        }
        Validity::NotYetValid => {
            let message = format!(
                "the certificate is not valid before {}; check this machine's clock",
                certificate.not_before()
            );
            reporter.warn(&Place::file(&loaded.source), &message);
            Ok(certificate)
        }
    }
}

fn unusable(source: &str, error: &CertificateError) -> Problem {
    let (reason, message) = match error {
        CertificateError::PublicKey(PublicKeyError::NotRsa) => (
            Reason::UnsupportedKey,
            "expected RSA public key but found another kind of key".to_owned(),
        ),
        CertificateError::PublicKey(PublicKeyError::Size { .. }) => {
            (Reason::UnsupportedKey, error.to_string())
        }
        _ => (
            Reason::UnreadableCertificate,
            format!("data does not contain any valid RSA or ECDSA certificates: {error}"),
        ),
    };
    Problem::new(reason, message).at(Place::file(source))
}
