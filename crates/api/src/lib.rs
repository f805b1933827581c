//! The SealedSecret resource: its fields, status, conditions and reasons, and its CustomResourceDefinition.
//!
//! Everything here is names and shapes. What a ciphertext is stands in `seal-envelope`; how a SealedSecret is made and
//! opened in `seal-sealing`.

pub mod annotations;
mod condition;
mod crd;
mod reason;
mod record;
mod scope;
mod sealed_secret;
mod server_fields;

pub use condition::{Condition, ConditionStatus, ConditionType, Verdict, conditions, transition};
pub use crd::custom_resource_definition;
pub use reason::Reason;
pub use record::{RECORD_FORMAT, RecordMode, RecordedKey, RecordedSecret, SecretRecord};
pub use scope::{Scope, UnknownScope};
pub use sealed_secret::{
    API_VERSION, KIND, SealedSecret, SealedSecretSpec, SealedSecretStatus, SecretTemplate,
};
pub use server_fields::{SERVER_FIELDS, remove_server_fields};
