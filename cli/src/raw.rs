//! `seal raw`: one value in, base64 out.

use std::path::Path;

use jiff::Timestamp;
use seal_api::{Reason, Scope};
use seal_sealing::{Binding, seal_item};

use crate::{
    args::RawArgs,
    certificate, input, output,
    problem::{Place, Problem},
    report::Reporter,
    settings, values,
};

pub(crate) fn run(args: &RawArgs, reporter: &Reporter) -> Result<(), Problem> {
    let now = Timestamp::now();
    let certificate = certificate::for_sealing(&args.certificate, now, reporter)?;
    let binding = binding(args)?;
    let path = args.from_file.as_deref().unwrap_or_else(|| Path::new("-"));
    let value = values::read_value(path)?;
    let name = input::name_of(path);
    values::warn(&[(name, value.clone())].into(), &Place::default(), reporter);
    let item = seal_item(value.as_bytes(), &binding, &certificate, now)
        .map_err(|error| Problem::new(Reason::Retrying, error.to_string()))?;
    output::print(item.text.as_bytes())
}

fn binding(args: &RawArgs) -> Result<Binding, Problem> {
    let scope = settings::scope_or_strict(args.scope.scope)?;
    let namespace = settings::namespace_in(scope, args.namespace.as_deref())?;
    let name = args.name.clone();
    if scope == Scope::Strict && name.is_none() {
        return Err(Problem::new(
            Reason::MissingName,
            "scope strict is bound to the Secret's name",
        )
        .hint("give --name"));
    }
    Ok(Binding {
        scope,
        namespace: namespace.unwrap_or_default(),
        name: name.unwrap_or_default(),
    })
}
