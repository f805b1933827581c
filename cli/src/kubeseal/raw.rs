//! `--raw`: one value in, base64 out, without an object around it.

use std::path::Path;

use seal_api::{Reason, Scope};
use seal_envelope::{Certificate, Plaintext};
use seal_sealing::{Binding, seal_item};

use super::{Call, files};
use crate::{
    input,
    problem::{Place, Problem},
    report::Reporter,
    values,
};

pub(super) fn run(
    call: &Call,
    certificate: &Certificate,
    reporter: &Reporter,
) -> Result<(), Problem> {
    let binding = binding(call)?;
    let (name, value) = value(call)?;
    let item = seal_item(value.as_bytes(), &binding, certificate, call.now)
        .map_err(|error| Problem::new(Reason::Retrying, error.to_string()))?;
    values::warn(&[(name, value)].into(), &Place::default(), reporter);
    call.deliver(item.text.as_bytes(), None)
}

fn binding(call: &Call) -> Result<Binding, Problem> {
    let scope = call.values.scope().unwrap_or(Scope::Strict);
    let name = call.values.text("name").unwrap_or_default();
    let namespace = if scope == Scope::ClusterWide {
        String::new()
    } else {
        call.namespace_or_context()?
    };
    let missing = |flag: &str, reason| {
        let message = format!("must provide the --{flag} flag with --raw and --scope {scope}");
        Err(Problem::new(reason, message))
    };
    if namespace.is_empty() && scope != Scope::ClusterWide {
        return missing("namespace", Reason::MissingNamespace);
    }
    if name.is_empty() && scope == Scope::Strict {
        return missing("name", Reason::MissingName);
    }
    Ok(Binding {
        scope,
        namespace,
        name: name.to_owned(),
    })
}

/// The value, and the name it has in messages.
fn value(call: &Call) -> Result<(String, Plaintext), Problem> {
    let path = match call.values.texts("from-file") {
        [] => {
            let (name, bytes) = input::read_bytes(Path::new("-"))?;
            return Ok((name, bytes.into()));
        }
        [file] => Path::new(file.split_once('=').map_or(file.as_str(), |(_, path)| path)),
        _ => {
            let message =
                "must provide only one --from-file when encrypting a single item with --raw";
            return Err(Problem::new(Reason::InvalidCommandLine, message));
        }
    };
    Ok((path.display().to_string(), files::read_bytes(path)?.into()))
}
