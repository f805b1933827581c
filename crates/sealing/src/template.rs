//! What the template of a SealedSecret adds to the opened items.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use seal_api::{Reason, SealedSecret, SecretTemplate};
use seal_envelope::{Plaintext, random_bytes, wiped_after};
use seal_template::{Allowed, Error, Limits, Problem, Template, Text, functions::Why};
use serde_json::Map;

use crate::{Failure, Secret, failure::ItemFailure};

/// What rendering may have left on the stack, in words of 8 bytes: 128 KiB.
const STACK: usize = 16 * 1024;

/// What is wrong with a text of a template, as far as it shows without any value.
#[derive(Debug)]
pub struct TemplateProblem {
    /// The item that it makes.
    pub item: String,
    /// Why the object fails with it.
    pub reason: Reason,
    /// Where and what; never a value.
    pub error: Error,
}

/// The texts of a template that are in the template language, by the items that they make, and what is wrong with them.
pub(crate) struct Parsed {
    templates: BTreeMap<String, Parse>,
    pub(crate) failures: Vec<ItemFailure>,
    now: Option<Timestamp>,
}

struct Parse {
    template: Template,
    is_random: bool,
}

impl Parsed {
    /// Whether a text has functions that are random or read the clock, so that it gives something else each time.
    pub(crate) fn is_random(&self) -> bool {
        self.templates.values().any(|parse| parse.is_random)
    }
}

/// Reads the texts of a template. One without `{{` is taken as it stands, and is none of them.
///
/// A text whose key is also a sealed item counts too: upstream renders it and fails the object if that fails. Functions that
/// are random or read the clock are allowed where it is said what time it is.
pub(crate) fn parse(template: Option<&SecretTemplate>, now: Option<Timestamp>) -> Parsed {
    let mut parsed = Parsed {
        templates: BTreeMap::new(),
        failures: Vec::new(),
        now,
    };
    for (key, text) in texts(template) {
        match parse_text(key, text, now.is_some()) {
            Ok(parse) => {
                parsed.templates.insert(key.to_owned(), parse);
            }
            Err(error) => parsed.failures.push(failure(key, &error)),
        }
    }
    parsed
}

fn parse_text(key: &str, text: &str, allows_random: bool) -> Result<Parse, Error> {
    let template = Template::parse(key, text)?;
    let is_allowed = |error: &Error| {
        let why = &error.problem;
        allows_random && matches!(why, Problem::FunctionOff(Why::Random | Why::Clock))
    };
    let refused = template.functions_off().find(|error| !is_allowed(error));
    if let Some(error) = refused {
        return Err(error);
    }
    let is_random = template.functions_off().next().is_some();
    Ok(Parse {
        template,
        is_random,
    })
}

/// What is wrong with the texts of a SealedSecret's template, whatever its values are.
pub fn template_problems(sealed: &SealedSecret) -> Vec<TemplateProblem> {
    let mut problems = Vec::new();
    for (key, text) in texts(sealed.spec.template.as_ref()) {
        let errors: Vec<Error> = match Template::parse(key, text) {
            Ok(template) => template.functions_off().collect(),
            Err(error) => vec![error],
        };
        problems.extend(errors.into_iter().map(|error| TemplateProblem {
            item: key.to_owned(),
            reason: reason(&error),
            error,
        }));
    }
    problems
}

impl fmt::Display for TemplateProblem {
    /// As in the conditions of the object, without the item.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&message(&self.error))
    }
}

fn message(error: &Error) -> String {
    format!("the template is wrong at {error}")
}

fn texts(template: Option<&SecretTemplate>) -> impl Iterator<Item = (&str, &str)> {
    let data = template.and_then(|template| template.data.as_ref());
    data.into_iter()
        .flatten()
        .filter_map(|(key, text)| Some((key.as_str(), text.as_deref()?)))
        .filter(|(_, text)| text.contains("{{"))
}

fn failure(item: &str, error: &Error) -> ItemFailure {
    ItemFailure {
        item: Some(item.to_owned()),
        reason: reason(error),
        message: message(error),
    }
}

fn reason(error: &Error) -> Reason {
    match error.problem {
        Problem::Syntax(_) | Problem::UnknownFunction | Problem::UnknownVariable => {
            Reason::TemplateInvalid
        }
        Problem::FunctionOff(_) => Reason::TemplateFunctionMissing,
        Problem::Steps(_) | Problem::Depth { .. } | Problem::Output(_) | Problem::Memory(_) => {
            Reason::TemplateTooCostly
        }
        _ => Reason::TemplateFailed,
    }
}

/// The Secret that a SealedSecret becomes when its items have these values, whatever is sealed in it. Functions that are random
/// or read the clock are allowed where it is said what time it is.
///
/// # Errors
///
/// [`Failure`], with one entry for each text of the template that cannot be rendered.
pub fn render(
    sealed: &SealedSecret,
    items: BTreeMap<String, Plaintext>,
    random_functions: Option<Timestamp>,
) -> Result<Secret, Failure> {
    let mut parsed = parse(sealed.spec.template.as_ref(), random_functions);
    match Failure::of_items(std::mem::take(&mut parsed.failures)) {
        Some(failure) => Err(failure),
        None => apply(sealed, &parsed, items),
    }
}

/// The Secret that a template and opened items make.
///
/// Metadata, type and immutable come from the template, name and namespace always from the SealedSecret. Texts of
/// `template.data` are rendered with the opened items and, beside them, the texts themselves as values; a sealed item wins
/// over a text of the same key, and `null` removes it.
pub(crate) fn apply(
    sealed: &SealedSecret,
    parsed: &Parsed,
    items: BTreeMap<String, Plaintext>,
) -> Result<Secret, Failure> {
    let mut rendered = render_texts(sealed, parsed, &items)?;
    let template = sealed.spec.template.clone().unwrap_or_default();
    let mut data = items;
    for (key, text) in template.data.iter().flatten() {
        match text {
            Some(text) => {
                data.entry(key.clone()).or_insert_with(|| {
                    let rendered = rendered.remove(key);
                    rendered.unwrap_or_else(|| text.as_bytes().into())
                });
            }
            None => {
                data.remove(key);
            }
        }
    }
    let mut secret = Secret {
        metadata: template.metadata.unwrap_or_default(),
        type_: template.type_,
        immutable: template.immutable,
        data,
    };
    name_after(&mut secret, sealed);
    Ok(secret)
}

/// Renders the templates of an object. They share the limits.
fn render_texts(
    sealed: &SealedSecret,
    parsed: &Parsed,
    items: &BTreeMap<String, Plaintext>,
) -> Result<BTreeMap<String, Plaintext>, Failure> {
    if parsed.templates.is_empty() {
        return Ok(BTreeMap::new());
    }
    let template = sealed.spec.template.as_ref();
    let texts = template.and_then(|template| template.data.as_ref());
    let texts = texts.into_iter().flatten();
    let mut values: BTreeMap<Text, Text> = texts
        .filter_map(|(key, text)| Some((key.as_str().into(), text.as_deref()?.into())))
        .collect();
    values.extend(
        items
            .iter()
            .map(|(key, value)| (key.as_str().into(), value.as_bytes().into())),
    );
    let mut limits = Limits::default();
    let mut failures = Vec::new();
    let mut rendered = BTreeMap::new();
    let mut has_random = true;
    let mut random = |bytes: &mut [u8]| has_random &= random_bytes(bytes);
    for (
        key,
        Parse {
            template,
            is_random,
        },
    ) in &parsed.templates
    {
        let allowed = if *is_random {
            Allowed {
                random: Some(&mut random),
                now: parsed.now,
            }
        } else {
            Allowed::default()
        };
        match wiped_after::<STACK, _>(|| template.render_allowing(&values, &mut limits, allowed)) {
            Ok(text) => {
                rendered.insert(key.clone(), Plaintext::from(text));
            }
            Err(error) => failures.push(failure(key, &error)),
        }
    }
    if !has_random {
        let message = "the operating system gave no random bytes";
        return Err(Failure::of_object(Reason::Retrying, message));
    }
    Failure::of_items(failures).map_or(Ok(rendered), Err)
}

/// Gives the Secret the name and namespace of the SealedSecret, whatever stood there.
pub(crate) fn name_after(secret: &mut Secret, sealed: &SealedSecret) {
    let rest = std::mem::replace(&mut secret.metadata, Map::new());
    for (field, value) in [
        ("name", &sealed.metadata.name),
        ("namespace", &sealed.metadata.namespace),
    ] {
        if let Some(value) = value {
            secret
                .metadata
                .insert(field.to_owned(), value.clone().into());
        }
    }
    secret.metadata.extend(
        rest.into_iter()
            .filter(|(field, _)| field != "name" && field != "namespace"),
    );
}
