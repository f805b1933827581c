//! Objects read from a stream and written in the form that kubeseal gives them.

use seal_api::{API_VERSION, KIND, Reason, SealedSecret};
use seal_documents::{implied_kind, list_items};
use seal_manifest::{Document, Node, Stream};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::flags::Values;
use crate::{
    documents::{Reader, SealedDocument, place},
    input::{Input, from_manifest},
    output,
    problem::{Place, Problem},
};

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Yaml,
}

impl Form {
    /// The form asked for. The name of the file that is written decides over the flag.
    pub(super) fn of(values: &Values) -> Result<Self, Problem> {
        let in_place = values.is_on("re-encrypt") || values.is_on("rotate");
        let file = values
            .text("sealed-secret-file")
            .or_else(|| values.text("secret-file").filter(|_| in_place));
        if file.is_some_and(|file| file.ends_with(".yaml") || file.ends_with(".yml")) {
            return Ok(Self::Yaml);
        }
        match values
            .text_or("format", "json")
            .to_ascii_lowercase()
            .as_str()
        {
            "json" => Ok(Self::Json),
            "yaml" => Ok(Self::Yaml),
            other => {
                let is_word = other.len() < 16 && other.chars().all(|c| c.is_ascii_lowercase());
                let shown = if is_word { other } else { "(not shown)" };
                let message = format!("unsupported output format: {shown}");
                Err(Problem::new(Reason::InvalidCommandLine, message))
            }
        }
    }
}

/// The documents of an input; the first broken one is the error, lest one be dropped in silence.
pub(super) fn stream(input: &Input) -> Result<Stream, Problem> {
    let stream = input.stream()?;
    let broken = stream
        .documents
        .iter()
        .find_map(|document| document.as_ref().err());
    match broken {
        Some(error) => Err(from_manifest(error, &input.name)),
        None => Ok(stream),
    }
}

/// Every Secret of a stream, also those in lists. kubeseal does not look at the kind, so one that names none is taken for
/// a Secret; what says that it is something else is an error.
pub(super) fn secrets<'s>(
    input: &Input,
    stream: &'s Stream,
) -> Result<Vec<SealedDocument<'s>>, Problem> {
    let found = objects(input, stream, ("v1", "Secret"))?;
    if found.is_empty() {
        let message = "no secrets found. Ensure the input is valid and UTF-8 encoded";
        return Err(Problem::new(Reason::NothingToDo, message));
    }
    Ok(found)
}

/// Every SealedSecret of a stream, also those in lists.
pub(super) fn sealed_secrets<'s>(
    input: &Input,
    stream: &'s Stream,
) -> Result<Vec<SealedDocument<'s>>, Problem> {
    let found = objects(input, stream, (API_VERSION, KIND))?;
    if found.is_empty() {
        let message = "no sealed secrets found. Ensure the input is valid and UTF-8 encoded";
        return Err(Problem::new(Reason::NothingToDo, message));
    }
    Ok(found)
}

/// Where an object stands.
pub(super) fn place_of(input: &Input, found: &SealedDocument<'_>) -> Place {
    place(&input.name, found.document, found.node)
}

pub(super) fn read_sealed(
    input: &Input,
    found: &SealedDocument<'_>,
) -> Result<SealedSecret, Problem> {
    let reader = Reader {
        file: &input.name,
        document: found.document,
    };
    reader.sealed_secret(found.node)
}

fn objects<'s>(
    input: &Input,
    stream: &'s Stream,
    wanted: (&str, &str),
) -> Result<Vec<SealedDocument<'s>>, Problem> {
    let mut found = Vec::new();
    for document in stream.documents.iter().flatten() {
        add(input, document, &document.root, None, wanted, &mut found)?;
    }
    Ok(found)
}

fn add<'s>(
    input: &Input,
    document: &'s Document,
    node: &'s Node,
    implied: Option<&str>,
    wanted: (&str, &str),
    found: &mut Vec<SealedDocument<'s>>,
) -> Result<(), Problem> {
    let text = |field: &str| node.get(field).and_then(Node::as_str);
    let kind = text("kind").or(implied);
    if node.is_null() {
        return Ok(());
    }
    if let Some(items) = list_items(node).filter(|_| kind != Some(wanted.1)) {
        for item in items {
            add(input, document, item, implied_kind(node), wanted, found)?;
        }
        return Ok(());
    }
    let version = text("apiVersion").unwrap_or(wanted.0);
    if node.entries().is_some() && version == wanted.0 && kind.unwrap_or(wanted.1) == wanted.1 {
        found.push(SealedDocument { document, node });
        return Ok(());
    }
    let message = format!(
        "is no {}: that has apiVersion {} and kind {}",
        wanted.1, wanted.0, wanted.1
    );
    Err(Problem::new(Reason::WrongKind, message).at(place(&input.name, document, node)))
}

/// The fields of each object in the order that kubeseal's JSON has them in, outer ones first.
const ORDER: [&str; 17] = [
    "kind",
    "apiVersion",
    "metadata",
    "name",
    "generateName",
    "namespace",
    "labels",
    "annotations",
    "finalizers",
    "spec",
    "template",
    "type",
    "immutable",
    "data",
    "encryptedData",
    "items",
    "status",
];

/// An object as kubeseal writes it: JSON in the order of Go's fields, or YAML with sorted keys behind a line `---`.
pub(super) fn written(object: Value, form: Form) -> Zeroizing<String> {
    match form {
        Form::Json => output::manifest(&in_order_of_fields(object), true),
        Form::Yaml => {
            let yaml = output::manifest(&sorted(object), false);
            Zeroizing::new(format!("---\n{}", yaml.as_str()))
        }
    }
}

fn in_order_of_fields(object: Value) -> Value {
    let Value::Object(mut fields) = object else {
        return object;
    };
    // In a Secret the data comes before the type.
    let order: &[&str] = if fields.get("kind").is_some_and(|kind| kind == "Secret") {
        &[
            "kind",
            "apiVersion",
            "metadata",
            "immutable",
            "data",
            "type",
        ]
    } else {
        &ORDER
    };
    let mut ordered = Map::new();
    for name in order {
        if let Some(value) = fields.shift_remove(*name) {
            ordered.insert((*name).to_owned(), nested_in_order(name, value));
        }
    }
    for (name, value) in fields {
        ordered.insert(name, value);
    }
    Value::Object(ordered)
}

/// What stands below a field: more fields, or keys of the user's, which Go sorts.
fn nested_in_order(name: &str, value: Value) -> Value {
    match name {
        "metadata" | "spec" | "template" => in_order_of_fields(value),
        _ => sorted(value),
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
            fields.sort_by(|one, other| one.0.cmp(&other.0));
            let fields = fields
                .into_iter()
                .map(|(name, value)| (name, sorted(value)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_has_the_fields_in_the_order_of_go() {
        let object = json!({
            "apiVersion": API_VERSION, "kind": KIND,
            "metadata": {"annotations": {"b": "1", "a": "2"}, "namespace": "prod", "name": "db"},
            "spec": {"encryptedData": {"b": "x", "a": "y"},
                     "template": {"type": "Opaque", "metadata": {"namespace": "prod", "name": "db"}}},
        });
        let names =
            |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
        let ordered = in_order_of_fields(object);
        assert_eq!(names(&ordered), ["kind", "apiVersion", "metadata", "spec"]);
        assert_eq!(
            names(&ordered["metadata"]),
            ["name", "namespace", "annotations"]
        );
        assert_eq!(names(&ordered["metadata"]["annotations"]), ["a", "b"]);
        assert_eq!(names(&ordered["spec"]), ["template", "encryptedData"]);
        assert_eq!(names(&ordered["spec"]["template"]), ["metadata", "type"]);
        assert_eq!(names(&ordered["spec"]["encryptedData"]), ["a", "b"]);
    }

    #[test]
    fn a_secret_has_its_data_before_its_type() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {}, "metadata": {}});
        let written = written(secret, Form::Json);
        assert!(
            written.find("\"data\"") < written.find("\"type\""),
            "{}",
            written.as_str()
        );
    }
}
