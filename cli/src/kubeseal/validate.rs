//! `--validate`: the controller is asked whether it can open each SealedSecret.

use seal_api::Reason;

use super::{
    Call,
    objects::{read_sealed, sealed_secrets, stream},
};
use crate::{cluster::Opens, problem::Problem};

/// Nothing is printed where all open; the first that does not ends it.
pub(super) fn run(call: &Call) -> Result<(), Problem> {
    let cluster = call.cluster()?;
    call.with_input(|input| {
        let stream = stream(input)?;
        for found in sealed_secrets(input, &stream)? {
            let object = read_sealed(input, &found)?;
            let name = object.metadata.name.clone().unwrap_or_default();
            if cluster.verify(&object.into_json())? == Opens::No {
                let message = format!("unable to decrypt sealed secret: {name}");
                return Err(Problem::new(Reason::CannotOpen, message));
            }
        }
        Ok(())
    })
}
