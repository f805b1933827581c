//! What stands in a file that is to hold a certificate, and whether it may be replaced.

use std::path::Path;

use seal_api::Reason;
use seal_envelope::{Certificate, KeyId};

use super::summary;
use crate::{
    certificate,
    pin::pins_in,
    problem::{Place, Problem},
    report::Reporter,
};

/// The certificate in a file, and its pins as far as they can be read: they need not be right.
pub(super) struct Present {
    name: String,
    certificate: Certificate,
    /// `None` where a line looks like a pin and is none.
    pins: Option<Vec<KeyId>>,
}

impl Present {
    /// What a file holds now; one that is there and holds no certificate, or a private key as well, is an error, lest
    /// something else be lost. A device is no file to be kept.
    pub(super) fn at(path: &Path) -> Result<Option<Self>, Problem> {
        let is_there = |metadata: std::fs::Metadata| metadata.is_file() || metadata.is_dir();
        if !path.metadata().is_ok_and(is_there) {
            return Ok(None);
        }
        let name = path.display().to_string();
        let bytes = certificate::bytes_of(path, &name)?;
        let certificate = certificate::parse(&name, &bytes)
            .map_err(|problem| problem.hint("it is the file to write to, and what it holds is not replaced: choose another file"))?;
        if String::from_utf8_lossy(&bytes).contains("PRIVATE KEY-----") {
            let message = "the file holds a private key beside the certificate";
            return Err(Problem::new(Reason::Conflict, message)
                .at(Place::file(&name))
                .hint("choose another file"));
        }
        let pins = pins_in(&name, &bytes).ok();
        Ok(Some(Self {
            name,
            certificate,
            pins,
        }))
    }

    /// Whether the file is pinned, and rightly, to the key of a certificate.
    pub(super) fn is_pinned_to(&self, certificate: &Certificate) -> bool {
        let id = certificate.key_id();
        let pins = self.pins.as_deref().unwrap_or_default();
        !pins.is_empty() && pins.iter().all(|pin| *pin == id)
    }

    /// Another key, and a pin that is wrong, are replaced only when asked for.
    pub(super) fn check_replaced_by(
        &self,
        new: &Certificate,
        replace: bool,
    ) -> Result<(), Problem> {
        if replace {
            return Ok(());
        }
        let id = new.key_id();
        let pins = self.pins.as_deref();
        let other_pin = pins.and_then(|pins| pins.iter().find(|pin| **pin != id));
        let message = match (pins, other_pin) {
            (None, _) => "the file has a pin that cannot be read".to_owned(),
            (_, Some(pin)) => format!(
                "the file is pinned to key {}, the certificate's key is {}",
                pin.full(),
                id.full()
            ),
            (Some(_), None) if self.certificate.key_id() == id => return Ok(()),
            (Some(_), None) => format!(
                "the file holds the certificate of key {}, the new certificate's key is {}",
                self.certificate.key_id().full(),
                id.full()
            ),
        };
        Err(Problem::new(Reason::PinMismatch, message)
            .at(Place::file(&self.name))
            .hint(
                "check the new id with the cluster's operators, then run it again with --replace",
            ))
    }

    /// Tells what becomes of the file.
    pub(super) fn note(&self, new: &Certificate, reporter: &Reporter) {
        let message = if self.certificate.key_id() == new.key_id() {
            "the key stays the same".to_owned()
        } else {
            format!(
                "replaces the certificate of key {}",
                summary(&self.certificate)
            )
        };
        reporter.note(&Place::file(&self.name), &message);
    }

    /// Tells that the file was pinned and is not any more.
    pub(super) fn note_unpinned(&self, new: &Certificate, reporter: &Reporter) {
        let dropped = match self.pins.as_deref() {
            Some([]) => return,
            Some([pin, ..]) => format!("the pin to key {}", pin.full()),
            None => "a pin that cannot be read".to_owned(),
        };
        let message = format!(
            "drops {dropped}; the new certificate's key {} is not pinned: \"seal cert pin\" pins it",
            new.key_id().full()
        );
        reporter.note(&Place::file(&self.name), &message);
    }
}
