//! What an object that does not open is told, and what finding out costs: the table.

use jiff::Timestamp;
use seal_api::{Reason, Scope, SealedSecret, annotations};
use seal_envelope::Label;
use seal_sealing::{Binding, ItemLine, ItemLines, UnsealOptions, unseal};

use crate::samples::{
    annotate, certificate, changed, damaged, key_id, moved, open, renamed, rescoped, ring,
    seal_with, sealed, sealed_text, secret, without_lines, without_template,
};

/// One way an object fails.
struct Case {
    given: &'static str,
    object: fn() -> SealedSecret,
    /// The numbers of the keys at hand.
    held: &'static [usize],
    /// The reason that stands for the object.
    reason: Reason,
    /// The message of the conditions; `{1}` stands for the id of key 1.
    says: &'static str,
    /// The private-key operations: each key once for each item, and at most four to find out.
    operations: u64,
}

const CASES: &[Case] = &[
    // The key
    Case {
        given: "the item's line names a key that is not held",
        object: || sealed(Scope::Strict, 0),
        held: &[1, 2],
        reason: Reason::UnknownKey,
        says: "says it was sealed with key {0}, which is not held here (held: {2}, {1}) (password)",
        operations: 2,
    },
    Case {
        given: "the item's line names a key, and none is held at all",
        object: || sealed(Scope::Strict, 0),
        held: &[],
        reason: Reason::UnknownKey,
        says: "says it was sealed with key {0}, which is not held here (no key is held) (password)",
        operations: 0,
    },
    Case {
        given: "there is no line, and no key is held at all",
        object: || without_lines(sealed(Scope::Strict, 0)),
        held: &[],
        reason: Reason::NoKey,
        says: "no key is held, so nothing can be opened (password)",
        operations: 0,
    },
    Case {
        given: "there is no line, and the key is not held",
        object: || without_lines(sealed(Scope::Strict, 0)),
        held: &[1, 2],
        reason: Reason::CannotOpen,
        says: "no key could decrypt secret (password)",
        operations: 2 + 2,
    },
    // The place: proven, so it is stated
    Case {
        given: "the object was renamed",
        object: || renamed(sealed(Scope::Strict, 0)),
        held: &[0],
        reason: Reason::SealedForAnotherName,
        says: "sealed for prod/db, found in prod/other (password)",
        operations: 1 + 1,
    },
    Case {
        given: "the object was renamed, and other keys are held as well",
        object: || renamed(sealed(Scope::Strict, 1)),
        held: &[0, 1, 2],
        reason: Reason::SealedForAnotherName,
        says: "sealed for prod/db, found in prod/other (password)",
        operations: 3 + 1,
    },
    Case {
        given: "the object was moved to another namespace",
        object: || moved(sealed(Scope::Strict, 0)),
        held: &[0],
        reason: Reason::SealedForAnotherNamespace,
        says: "sealed for prod/db, found in test/db (password)",
        operations: 1 + 1,
    },
    Case {
        given: "the object was renamed and moved",
        object: || moved(renamed(sealed(Scope::Strict, 0))),
        held: &[0],
        reason: Reason::SealedForAnotherNamespace,
        says: "sealed for prod/db, found in test/other (password)",
        operations: 1 + 1,
    },
    Case {
        given: "a namespace-wide object was moved",
        object: || moved(sealed(Scope::NamespaceWide, 0)),
        held: &[0],
        reason: Reason::SealedForAnotherNamespace,
        says: "sealed for any name in namespace prod, found in test/db (password)",
        operations: 1 + 1,
    },
    Case {
        given: "a namespace-wide object lost its annotation",
        object: || rescoped(sealed(Scope::NamespaceWide, 0), Scope::Strict),
        held: &[0],
        reason: Reason::SealedForAnotherScope,
        says: "sealed for any name in namespace prod (scope namespace-wide), \
               found in prod/db (scope strict) (password)",
        operations: 1 + 1,
    },
    Case {
        given: "a strict object was declared cluster-wide",
        object: || rescoped(sealed(Scope::Strict, 0), Scope::ClusterWide),
        held: &[0],
        reason: Reason::SealedForAnotherScope,
        says: "sealed for prod/db (scope strict), found in prod/db (scope cluster-wide) (password)",
        operations: 1 + 1,
    },
    // The place, found out without a line
    Case {
        given: "the object was renamed, and only its template remembers",
        object: || without_lines(renamed(sealed(Scope::Strict, 0))),
        held: &[0],
        reason: Reason::SealedForAnotherName,
        says: "sealed for prod/db, found in prod/other (password)",
        operations: 1 + 1,
    },
    Case {
        given: "the object was moved, and only its template remembers",
        object: || without_lines(moved(sealed(Scope::Strict, 0))),
        held: &[0],
        reason: Reason::SealedForAnotherNamespace,
        says: "sealed for prod/db, found in test/db (password)",
        operations: 1 + 1,
    },
    Case {
        given: "the object was moved, and nothing remembers",
        object: || without_template(without_lines(moved(sealed(Scope::Strict, 0)))),
        held: &[0],
        reason: Reason::CannotOpen,
        says: "no key could decrypt secret (password)",
        operations: 1 + 2,
    },
    Case {
        given: "a namespace-wide object lost its annotation, and nothing remembers",
        object: || {
            without_template(without_lines(rescoped(
                sealed(Scope::NamespaceWide, 0),
                Scope::Strict,
            )))
        },
        held: &[0],
        reason: Reason::SealedForAnotherScope,
        says: "sealed for any name in namespace prod (scope namespace-wide), \
               found in prod/db (scope strict) (password)",
        operations: 1 + 1,
    },
    Case {
        given: "a cluster-wide object lost its annotation, and nothing remembers",
        object: || {
            without_template(without_lines(rescoped(
                sealed(Scope::ClusterWide, 0),
                Scope::Strict,
            )))
        },
        held: &[0],
        reason: Reason::SealedForAnotherScope,
        says: "sealed for any name in any namespace (scope cluster-wide), \
               found in prod/db (scope strict) (password)",
        operations: 1 + 2,
    },
    Case {
        given: "of several keys the newest opened it elsewhere, and no line says so",
        object: || without_lines(renamed(sealed(Scope::Strict, 2))),
        held: &[0, 1, 2],
        reason: Reason::SealedForAnotherName,
        says: "sealed for prod/db, found in prod/other (password)",
        operations: 3 + 1,
    },
    // What is only claimed is worded so
    Case {
        given: "the line names another place, and the item opens in neither",
        object: || forged_line("elsewhere", 0),
        held: &[0],
        reason: Reason::SealedForAnotherName,
        says: "says it was sealed for prod/elsewhere, found in prod/db (password)",
        operations: 1 + 3,
    },
    Case {
        given: "the line names this very place, and the item opens nowhere",
        object: || forged_line("db", 0),
        held: &[0],
        reason: Reason::CannotOpen,
        says: "no key could decrypt secret (password)",
        operations: 1 + 2,
    },
    Case {
        given: "two items claim different places: the first is proven, the second quoted",
        object: || {
            let mut object = renamed(seal_with(&secret(&[("a", "x")]), Scope::Strict, 0));
            add_item_for(&mut object, "b", "third");
            object
        },
        held: &[0],
        reason: Reason::SealedForAnotherName,
        says: "sealed for prod/db, found in prod/other (a)\n\
               says it was sealed for prod/third, found in prod/other (b)",
        operations: 2 + 1,
    },
    Case {
        given: "two items claim the same place: what is proven of one is said of both",
        object: || {
            renamed(seal_with(
                &secret(&[("a", "x"), ("b", "y")]),
                Scope::Strict,
                0,
            ))
        },
        held: &[0],
        reason: Reason::SealedForAnotherName,
        says: "sealed for prod/db, found in prod/other (a, b)",
        operations: 2 + 1,
    },
    Case {
        given: "two items without lines: only the first is looked into",
        object: || {
            without_lines(renamed(seal_with(
                &secret(&[("a", "x"), ("b", "y")]),
                Scope::Strict,
                0,
            )))
        },
        held: &[0],
        reason: Reason::SealedForAnotherName,
        says: "sealed for prod/db, found in prod/other (a)\nno key could decrypt secret (b)",
        operations: 2 + 1,
    },
    // The text
    Case {
        given: "an item is damaged, so its line no longer counts",
        object: || set_item(sealed(Scope::Strict, 0), damaged),
        held: &[0],
        reason: Reason::CannotOpen,
        says: "no key could decrypt secret (password)",
        operations: 1 + 2,
    },
    Case {
        given: "an item is no base64",
        object: || set_item(sealed(Scope::Strict, 0), |_| "not base64!".to_owned()),
        held: &[0],
        reason: Reason::MalformedItem,
        says: "not base64 (standard alphabet with padding) (password)",
        operations: 0,
    },
    Case {
        given: "an item is too short",
        object: || set_item(sealed(Scope::Strict, 0), |_| "AgAA".to_owned()),
        held: &[0],
        reason: Reason::MalformedItem,
        says: "too short for a sealed value: 3 bytes (password)",
        operations: 0,
    },
    Case {
        given: "an item was no string, which the decoder reads as the empty text",
        object: || set_item(sealed(Scope::Strict, 0), |_| String::new()),
        held: &[0],
        reason: Reason::MalformedItem,
        says: "too short for a sealed value: 0 bytes (password)",
        operations: 0,
    },
    Case {
        given: "one item is malformed and another opens: there is no Secret of half the items",
        object: || {
            let mut object = seal_with(&secret(&[("a", "x"), ("b", "y")]), Scope::Strict, 0);
            object
                .spec
                .encrypted_data
                .insert("a".to_owned(), "?".to_owned());
            object
        },
        held: &[0],
        reason: Reason::MalformedItem,
        says: "not base64 (standard alphabet with padding) (a)",
        operations: 1,
    },
    // The deprecated form
    Case {
        given: "both the items and the deprecated form are there",
        object: || {
            changed(sealed(Scope::Strict, 0), |object| {
                object.spec.data = Some(String::new());
            })
        },
        held: &[0],
        reason: Reason::ConflictingData,
        says: "spec.encryptedData and the deprecated spec.data cannot be used at the same time",
        operations: 0,
    },
    Case {
        given: "the deprecated form holds no JSON",
        object: || legacy(&sealed_text("{", &Label::strict("prod", "db"), 0)),
        held: &[0],
        reason: Reason::InvalidLegacyData,
        says: "spec.data opens, but does not hold a Secret as JSON",
        operations: 1,
    },
    Case {
        given: "the deprecated form holds JSON of another shape",
        object: || {
            legacy(&sealed_text(
                r#"{"data":{"a":7}}"#,
                &Label::strict("prod", "db"),
                0,
            ))
        },
        held: &[0],
        reason: Reason::InvalidLegacyData,
        says: "spec.data opens, but does not hold a Secret as JSON",
        operations: 1,
    },
    Case {
        given: "the deprecated form is no base64",
        object: || legacy("?"),
        held: &[0],
        reason: Reason::MalformedItem,
        says: "spec.data is not base64 (standard alphabet with padding)",
        operations: 0,
    },
    Case {
        given: "the deprecated form was sealed with another scope",
        object: || legacy(&sealed_text("{}", &Label::cluster_wide(), 0)),
        held: &[0],
        reason: Reason::SealedForAnotherScope,
        says: "sealed for any name in any namespace (scope cluster-wide), \
               found in prod/db (scope strict)",
        operations: 1 + 2,
    },
    // The template
    Case {
        given: "a template text is not in the template language",
        object: || with_template_text("url", "https://{{ .password"),
        held: &[0],
        reason: Reason::TemplateInvalid,
        says: "the template is wrong at 1:21: an action is not closed (url)",
        operations: 1,
    },
    Case {
        given: "a template text names a function that does not exist, under the key of a sealed item",
        object: || with_template_text("password", "\n{{ .password | nosuch }}"),
        held: &[0],
        reason: Reason::TemplateInvalid,
        says: "the template is wrong at 2:16: nosuch: there is no such function (password)",
        operations: 1,
    },
    Case {
        given: "a template text uses a function that is off",
        object: || with_template_text("made", "{{ if false }}{{ now }}{{ end }}"),
        held: &[0],
        reason: Reason::TemplateFunctionMissing,
        says: "the template is wrong at 1:18: now: the function is not available: it reads the clock (made)",
        operations: 1,
    },
    Case {
        given: "a template cannot be rendered with the values",
        object: || with_template_text("number", "{{ index .password 100 }}"),
        held: &[0],
        reason: Reason::TemplateFailed,
        says: "the template is wrong at 1:4: index: the function refuses its arguments (number)",
        operations: 1,
    },
    Case {
        given: "a template makes more than fits into a Secret",
        object: || with_template_text("long", "{{ repeat 100000 .password }}"),
        held: &[0],
        reason: Reason::TemplateTooCostly,
        says: "the template is wrong at 1:4: the result is longer than 1048576 bytes (long)",
        operations: 1,
    },
    Case {
        given: "the Secret would be a token of a service account",
        object: || with_type("kubernetes.io/service-account-token"),
        held: &[0],
        reason: Reason::TypeNotAllowed,
        says: "Secrets of type kubernetes.io/service-account-token are not made: \
               Kubernetes would act on them by itself",
        operations: 1,
    },
    Case {
        given: "the Secret would be a bootstrap token",
        object: || with_type("bootstrap.kubernetes.io/token"),
        held: &[0],
        reason: Reason::TypeNotAllowed,
        says: "Secrets of type bootstrap.kubernetes.io/token are not made: \
               Kubernetes would act on them by itself",
        operations: 1,
    },
    Case {
        given: "the deprecated form holds a token of a service account",
        object: || {
            let json = r#"{"type":"kubernetes.io/service-account-token"}"#;
            legacy(&sealed_text(json, &Label::strict("prod", "db"), 0))
        },
        held: &[0],
        reason: Reason::TypeNotAllowed,
        says: "Secrets of type kubernetes.io/service-account-token are not made: \
               Kubernetes would act on them by itself",
        operations: 1,
    },
    // The keys
    Case {
        given: "an item has a key that no Secret can have",
        object: || seal_item_as("pass word"),
        held: &[0],
        reason: Reason::InvalidName,
        says: "key \"pass word\" must be letters, digits, '-', '_' and '.', not \".\" or beginning with \"..\", \
               253 characters at most; rename it in the SealedSecret",
        operations: 1,
    },
    Case {
        given: "a template text has a key that no Secret can have",
        object: || with_template_text("..", "x"),
        held: &[0],
        reason: Reason::InvalidName,
        says: "key \"..\" must be letters, digits, '-', '_' and '.', not \".\" or beginning with \"..\", \
               253 characters at most; rename it in the SealedSecret",
        operations: 1,
    },
    Case {
        given: "the deprecated form holds a key that no Secret can have, which is sealed as well",
        object: || {
            let json = r#"{"data":{"marker word":"YQ=="}}"#;
            legacy(&sealed_text(json, &Label::strict("prod", "db"), 0))
        },
        held: &[0],
        reason: Reason::InvalidName,
        says: "a key in spec.data must be letters, digits, '-', '_' and '.', not \".\" or beginning with \"..\", \
               253 characters at most",
        operations: 1,
    },
];

#[test]
fn every_failure_has_its_reason_its_message_and_its_cost() {
    let mut wrong = Vec::new();
    for case in CASES {
        let ring = ring(case.held.iter().copied());
        let outcome = match open(&(case.object)(), &ring) {
            Ok(_) => "it opens".to_owned(),
            Err(failure) => {
                let verdict = failure.verdict();
                format!(
                    "{}: {} [{}]",
                    verdict.reason,
                    verdict.message,
                    ring.operations()
                )
            }
        };
        let expected = format!(
            "{}: {} [{}]",
            case.reason,
            with_ids(case.says),
            case.operations
        );
        if outcome != expected {
            wrong.push(format!(
                "{}\n  expected {expected}\n  but      {outcome}",
                case.given
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_shows_every_reason_of_an_object_that_does_not_open() {
    for reason in Reason::ALL {
        let shown = CASES.iter().any(|case| case.reason == *reason);
        assert_eq!(shown, is_of_opening(*reason), "{reason}");
    }
}

/// Whether an object that does not open can have this reason, with the default options.
fn is_of_opening(reason: Reason) -> bool {
    match reason {
        Reason::UnknownKey
        | Reason::SealedForAnotherName
        | Reason::SealedForAnotherNamespace
        | Reason::SealedForAnotherScope
        | Reason::CannotOpen
        | Reason::MalformedItem
        | Reason::InvalidLegacyData
        | Reason::ConflictingData
        | Reason::TemplateInvalid
        | Reason::TemplateFunctionMissing
        | Reason::TemplateFailed
        | Reason::TemplateTooCostly
        | Reason::TypeNotAllowed
        | Reason::InvalidName
        | Reason::NoKey => true,
        // Of sealing, of the commands' input, of files, of certificates, and of the controller's world.
        Reason::Unsealed
        | Reason::Retrying
        | Reason::NotManaged
        | Reason::ImmutableSecret
        | Reason::SecretRefused
        | Reason::WriteForbidden
        | Reason::Contested
        | Reason::DriftKept
        | Reason::MisplacedKey
        | Reason::DuplicateObject
        | Reason::InvalidCommandLine
        | Reason::InvalidObject
        | Reason::WrongKind
        | Reason::MissingName
        | Reason::MissingNamespace
        | Reason::InvalidValue
        | Reason::EmptyData
        | Reason::InvalidContents
        | Reason::PlaintextInMetadata
        | Reason::Conflict
        | Reason::NothingToDo
        | Reason::UnreadableKey
        | Reason::UnsupportedKey
        | Reason::MismatchedKey
        | Reason::NoCertificate
        | Reason::UnreadableCertificate
        | Reason::CertificateExpired
        | Reason::CertificateNotYetValid
        | Reason::PinMismatch
        | Reason::FetchFailed
        | Reason::Unreadable
        | Reason::Unwritable
        | Reason::InvalidEncoding
        | Reason::InvalidSyntax
        | Reason::TooLarge => false,
    }
}

#[test]
fn the_deprecated_form_can_be_switched_off() {
    let ring = ring([0]);
    let object = legacy(&sealed_text("{}", &Label::strict("prod", "db"), 0));
    let options = UnsealOptions {
        legacy_data: false,
        ..UnsealOptions::default()
    };
    let failure = unseal(&object, &ring, &options).unwrap_err();
    assert_eq!(failure.reason(), Reason::InvalidObject);
    assert_eq!(ring.operations(), 0);
    assert!(open(&object, &ring).is_ok());
}

#[test]
fn a_flag_allows_the_types_that_kubernetes_acts_on() {
    let options = UnsealOptions {
        restricted_types: true,
        ..UnsealOptions::default()
    };
    let object = with_type("bootstrap.kubernetes.io/token");
    let opened = unseal(&object, &ring([0]), &options).unwrap();
    assert_eq!(
        opened.secret.type_or_opaque(),
        "bootstrap.kubernetes.io/token"
    );
}

#[test]
fn the_failure_lists_every_item_that_failed() {
    let mut object = seal_with(
        &secret(&[("a", "x"), ("b", "y"), ("c", "z")]),
        Scope::Strict,
        0,
    );
    object
        .spec
        .encrypted_data
        .insert("b".to_owned(), "?".to_owned());
    let failure = open(&object, &ring([1])).unwrap_err();
    let found: Vec<_> = failure
        .items()
        .iter()
        .map(|failure| (failure.item.as_deref(), failure.reason))
        .collect();
    assert_eq!(
        found,
        [
            (Some("a"), Reason::UnknownKey),
            (Some("b"), Reason::MalformedItem),
            (Some("c"), Reason::UnknownKey),
        ]
    );
}

/// Puts the ids of keys in the place of `{0}` to `{2}`.
fn with_ids(text: &str) -> String {
    (0..3).fold(text.to_owned(), |text, number| {
        text.replace(&format!("{{{number}}}"), key_id(number))
    })
}

fn set_item(object: SealedSecret, change: fn(&str) -> String) -> SealedSecret {
    changed(object, |object| {
        let text = object.spec.encrypted_data.get_mut("password").unwrap();
        *text = change(text);
    })
}

/// An item that opens nowhere, with a line that says it was sealed for `prod/<name>` with key `n`.
fn forged_line(name: &str, key: usize) -> SealedSecret {
    let object = set_item(sealed(Scope::Strict, key), damaged);
    changed(object, |object| {
        let binding = Binding {
            scope: Scope::Strict,
            namespace: "prod".to_owned(),
            name: name.to_owned(),
        };
        let text = &object.spec.encrypted_data["password"];
        let line = ItemLine::new(key_id(key).to_owned(), Timestamp::UNIX_EPOCH, binding, text);
        let mut lines = ItemLines::default();
        lines.insert("password", line);
        annotate(object, annotations::ITEMS, Some(&lines.to_string()));
    })
}

/// Adds an item sealed for `prod/<name>` with key 0, and its line.
fn add_item_for(object: &mut SealedSecret, item: &str, name: &str) {
    let binding = Binding {
        scope: Scope::Strict,
        namespace: "prod".to_owned(),
        name: name.to_owned(),
    };
    let sealed =
        seal_sealing::seal_item(b"y", &binding, &certificate(0), Timestamp::UNIX_EPOCH).unwrap();
    let mut lines = ItemLines::of(object);
    lines.insert(item, sealed.line);
    object
        .spec
        .encrypted_data
        .insert(item.to_owned(), sealed.text);
    annotate(object, annotations::ITEMS, Some(&lines.to_string()));
}

fn legacy(text: &str) -> SealedSecret {
    changed(without_template(sealed(Scope::Strict, 0)), |object| {
        object.spec.encrypted_data.clear();
        object.spec.data = Some(text.to_owned());
    })
}

/// `prod/db` with one item, as another program seals it under this key.
fn seal_item_as(key: &str) -> SealedSecret {
    changed(without_lines(sealed(Scope::Strict, 0)), |object| {
        let items = &mut object.spec.encrypted_data;
        let text = items.remove("password").expect("the sample has it");
        items.insert(key.to_owned(), text);
    })
}

fn with_template_text(key: &str, text: &str) -> SealedSecret {
    changed(sealed(Scope::Strict, 0), |object| {
        let template = object.spec.template.get_or_insert_default();
        template.data = Some([(key.to_owned(), Some(text.to_owned()))].into());
    })
}

fn with_type(type_: &str) -> SealedSecret {
    changed(sealed(Scope::Strict, 0), |object| {
        object.spec.template.get_or_insert_default().type_ = Some(type_.to_owned());
    })
}
