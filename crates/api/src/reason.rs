//! Why something is as it is: one stable word for errors, conditions, Events, metrics and JSON output alike.

use std::fmt;

/// Declares each reason once: variant, and the sentence that explains it in the docs.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// One way a thing can be right or fail. The text is the variant's name and never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            /// All reasons, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The reason in PascalCase.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// What it means and what to do about it, as in the documentation.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc, "\n"),+).trim_ascii(),)+
                }
            }
        }
    };
}

reasons! {
    /// The Secret is as the SealedSecret says.
    Unsealed,
    /// Something outside failed, such as a disk or a server; it is tried again without an end.
    Retrying,

    /// An item was sealed with a key that is not held here. Bring the key, or seal the value again with the current
    /// certificate.
    UnknownKey,
    /// An item was sealed for a Secret of another name. Names are part of the strict scope: seal it again for this one.
    SealedForAnotherName,
    /// An item was sealed for another namespace. Seal it again for this one.
    SealedForAnotherNamespace,
    /// An item was sealed with another scope than the one the object has. Restore the scope annotation, or seal it
    /// again.
    SealedForAnotherScope,
    /// No key opens an item, and nothing tells why: another cluster's key, another name or namespace, or a damaged
    /// text.
    CannotOpen,
    /// The text of an item is not base64, or too short to be a sealed value.
    MalformedItem,
    /// The deprecated form `spec.data` opened, but does not hold a Secret.
    InvalidLegacyData,
    /// An object has both `spec.encryptedData` and the deprecated `spec.data`; use one of them.
    ConflictingData,
    /// A text of `spec.template.data` is not in the template language. The message says where.
    TemplateInvalid,
    /// A text of `spec.template.data` uses a function that is random, reads the clock, makes keys or is costly. An existing
    /// Secret is left as it is; make the value once, and seal it. The flag `--allow-random-functions` of the controller allows
    /// the random ones and the clock.
    TemplateFunctionMissing,
    /// A text of `spec.template.data` cannot be rendered with the values at hand. The message says where, and never shows a
    /// value.
    TemplateFailed,
    /// Rendering a text of `spec.template.data` takes too many steps, too much memory, or makes more than fits into a Secret.
    TemplateTooCostly,

    /// A Secret of that name exists and is not managed by this SealedSecret; it is left alone. Annotate it to hand it
    /// over.
    NotManaged,
    /// The existing Secret is immutable, so it cannot be changed. Delete it, and it is made anew.
    ImmutableSecret,
    /// The API server refuses the Secret as invalid or too large: its type or its immutable flag cannot be changed, its
    /// contents do not fit its type, or it is beyond the size of a Secret. Change the SealedSecret, or delete the Secret.
    SecretRefused,
    /// The API server forbids to write the Secret: a quota, a policy or webhook, missing rights, or a namespace that is
    /// being deleted. It is tried again without an end.
    WriteForbidden,
    /// Something else changes the Secret back each time it is repaired; repairs are made ever more rarely, at least once an
    /// hour. Find out who, or annotate the SealedSecret so that drift is left alone.
    Contested,
    /// Somebody else changed the data of the Secret, and its template has functions that give something else each time, so
    /// that it cannot be made again as it was; or nothing proves that the SealedSecret changed, and the Secret is not of it as
    /// it is now. It is left as it is; delete the Secret, and it is made anew.
    DriftKept,
    /// Two SealedSecrets have the same namespace and name; neither is acted on.
    DuplicateObject,

    /// The command line is wrong; nothing was done. Only in JSON output, and always with exit code 2.
    InvalidCommandLine,
    /// A document is not a well-formed Secret or SealedSecret.
    InvalidObject,
    /// A document is of another kind than the command needs.
    WrongKind,
    /// The object has no name.
    MissingName,
    /// The object has no namespace, which its scope needs.
    MissingNamespace,
    /// A name, namespace or key is not a valid Kubernetes name.
    InvalidName,
    /// A value is not a string, or not base64. A value that a tool would rewrite in silence is never sealed.
    InvalidValue,
    /// The Secret holds no value.
    EmptyData,
    /// The contents do not fit the type of the Secret.
    InvalidContents,
    /// Kubernetes acts on Secrets of this type by itself, so one is sealed or unsealed only when a flag allows it.
    TypeNotAllowed,
    /// A label, annotation or comment that would be committed holds a value of the Secret in cleartext, or an alias takes a
    /// value from elsewhere in the document.
    PlaintextInMetadata,
    /// Two sources say different things, such as a file and a flag; both are named.
    Conflict,
    /// The input holds nothing for the command to act on.
    NothingToDo,

    /// A key Secret or key file holds no readable private key or certificate.
    UnreadableKey,
    /// A key Secret lies in another namespace than the controller's, where it is ignored; only keys beside the controller
    /// count.
    MisplacedKey,
    /// A key is not RSA of 2048 to 8192 bits.
    UnsupportedKey,
    /// The certificate of a key Secret belongs to another private key.
    MismatchedKey,
    /// No key is given or held.
    NoKey,
    /// No certificate is named.
    NoCertificate,
    /// A certificate cannot be read.
    UnreadableCertificate,
    /// A certificate's validity is over.
    CertificateExpired,
    /// A certificate's validity has not begun.
    CertificateNotYetValid,
    /// A certificate is not the pinned one.
    PinMismatch,
    /// A URL, a cluster or its controller did not answer with what was asked for, or refused it.
    FetchFailed,

    /// A file or folder cannot be read.
    Unreadable,
    /// A file or folder cannot be written; what was there before is still there, unless the message says that the file is
    /// written and only may not survive a power cut.
    Unwritable,
    /// The text is not UTF-8 or UTF-16.
    InvalidEncoding,
    /// The text is not YAML or JSON.
    InvalidSyntax,
    /// The input is larger, deeper or has more documents than is accepted.
    TooLarge,
}

impl Reason {
    /// Whether only a change of the input can heal it; the others are tried again by themselves.
    ///
    /// Terminal reasons become the condition `Stalled` of the kstatus conventions.
    pub fn is_terminal(self) -> bool {
        !matches!(
            self,
            Self::Unsealed
                | Self::Retrying
                | Self::WriteForbidden
                | Self::Contested
                | Self::Unreadable
                | Self::Unwritable
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_pascal_case_and_explained() {
        for reason in Reason::ALL {
            let text = reason.as_str();
            assert!(text.starts_with(|c: char| c.is_ascii_uppercase()), "{text}");
            assert!(text.chars().all(|c| c.is_ascii_alphanumeric()), "{text}");
            assert!(reason.explanation().ends_with('.'), "{text}");
        }
    }
}
