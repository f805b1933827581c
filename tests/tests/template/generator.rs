//! Random templates: mostly ones that mean something, sometimes ones that do not.

use std::collections::BTreeMap;

use seal_template::functions::{self, Function, Parameter, Status};

use crate::words::{
    DATES, FIELDS, FORMATS, LISTS, MAPS, NUMBERS, OBJECTS, PATTERNS, PRESENT, STRICT, TEXTS,
    UNORDERED,
};

/// A sequence that its seed decides (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// What an operand should be.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Of(Parameter),
    List,
    Date,
    Pattern,
    Format,
    /// What is compared: mostly two of the same type.
    Compared,
}

/// What a function wants in a place, where its type does not say it.
fn wanted(function: &Function, index: usize) -> Wanted {
    let last = function.parameters.len().saturating_sub(1);
    let parameter = function.parameters.get(index.min(last)).copied();
    let parameter = parameter.unwrap_or(Parameter::Any);
    let name = function.name;
    let bare = name.strip_prefix("must").unwrap_or(name).to_lowercase();
    let of_lists = [
        "first",
        "last",
        "rest",
        "initial",
        "append",
        "push",
        "prepend",
        "reverse",
        "uniq",
        "compact",
        "without",
        "slice",
        "concat",
        "sortalpha",
    ];
    match (index, parameter) {
        (0, Parameter::Text) if bare.starts_with("regex") => Wanted::Pattern,
        (0, Parameter::Text) if name == "printf" => Wanted::Format,
        (0, Parameter::Any) if of_lists.contains(&bare.as_str()) => Wanted::List,
        (_, Parameter::Any) if bare == "concat" => Wanted::List,
        (1, Parameter::Any) if ["has", "chunk", "join"].contains(&bare.as_str()) => Wanted::List,
        (_, Parameter::Any) if bare.contains("date") => Wanted::Date,
        (_, Parameter::Time) => Wanted::Date,
        (0, Parameter::Value) if name == "len" => Wanted::Of(Parameter::Text),
        (_, Parameter::Value) if ["lt", "le", "gt", "ge", "eq", "ne"].contains(&name) => {
            Wanted::Compared
        }
        _ => Wanted::Of(parameter),
    }
}

/// The type of what a function gives, as far as it matters.
fn result(function: &Function, types: &BTreeMap<String, String>) -> Parameter {
    let text = match function.name {
        "print" | "printf" | "println" | "html" | "js" | "urlquery" => "string",
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "not" => "bool",
        "len" => "int",
        name => types
            .get(name)
            .and_then(|text| text.rsplit_once(") "))
            .map_or("", |(_, result)| result),
    };
    match text.trim_start_matches('(').split(',').next() {
        Some("string") => Parameter::Text,
        Some("int") => Parameter::Int,
        Some("float64") => Parameter::Float,
        Some("bool") => Parameter::Bool,
        Some("map[string]interface {}") => Parameter::Map,
        Some("[]interface {}") => Parameter::List,
        _ => Parameter::Any,
    }
}

/// Writes one template.
pub(crate) struct Generator {
    random: Random,
    out: String,
    /// The variables that are declared here.
    variables: Vec<String>,
    templates: usize,
    blocks: usize,
    functions: Vec<(&'static Function, Parameter)>,
}

/// Makes templates of the functions of these types.
pub(crate) fn generator(types: &BTreeMap<String, String>) -> impl Fn(u64) -> String + use<> {
    let functions: Vec<_> = functions::all()
        .filter(|function| function.status == Status::Same && !UNORDERED.contains(&function.name))
        .map(|function| (function, result(function, types)))
        .collect();
    move |seed| template(seed, functions.clone())
}

fn template(seed: u64, functions: Vec<(&'static Function, Parameter)>) -> String {
    let mut generator = Generator {
        random: Random::new(seed),
        out: String::new(),
        variables: Vec::new(),
        templates: 0,
        blocks: 0,
        functions,
    };
    if generator.random.one_in(5) {
        generator.define();
    }
    let count = 1 + generator.random.below(3);
    generator.body(count, 2, false);
    generator.out
}

impl Generator {
    fn define(&mut self) {
        self.templates = 1 + self.random.below(3);
        for index in 0..self.templates {
            self.action(&format!("define \"t{index}\""));
            let outer = std::mem::take(&mut self.variables);
            // Only those before it, so that none calls itself.
            let templates = std::mem::replace(&mut self.templates, index);
            self.body(2, 2, false);
            self.variables = outer;
            self.templates = templates;
            self.action("end");
        }
    }

    fn action(&mut self, inside: &str) {
        let lefts = [
            "{{- ",
            "{{-\n",
            "{{-\t ",
            "{{",
            "{{\n  ",
            "{{\t",
            "\n {{- ",
            " \r\n{{- ",
        ];
        let rights = [
            " -}}",
            "\n-}}",
            "\t -}}",
            "}}",
            "\n}}",
            "  }}",
            " -}} \n",
            "\r\n-}}\t",
        ];
        let left = if self.random.one_in(5) {
            self.random.pick(&lefts)
        } else {
            "{{ "
        };
        let right = if self.random.one_in(5) {
            self.random.pick(&rights)
        } else {
            " }}"
        };
        self.out.push_str(left);
        self.out.push_str(inside);
        self.out.push_str(right);
    }

    fn body(&mut self, count: usize, depth: usize, in_range: bool) {
        for _ in 0..count {
            self.statement(depth, in_range);
        }
    }

    fn statement(&mut self, depth: usize, in_range: bool) {
        match self.random.below(if depth == 0 { 6 } else { 12 }) {
            0 => {
                let text = self
                    .random
                    .pick(&["text", " ", "\n", "a: b\n  ", "}} {", "é"]);
                self.out.push_str(text);
            }
            1..=4 => {
                let pipeline = self.pipeline(2);
                self.action(&pipeline);
            }
            5 => self.variable(),
            6 | 7 => self.branch("if", depth, in_range),
            8 => self.branch("with", depth, in_range),
            9 | 10 => self.range(depth),
            _ => self.other(in_range),
        }
    }

    fn variable(&mut self) {
        let pipeline = self.pipeline(2);
        if !self.variables.is_empty() && self.random.one_in(3) {
            let name = self.known_variable();
            self.action(&format!("{name} = {pipeline}"));
            return;
        }
        let name = self.variable_name();
        self.action(&format!("{name} := {pipeline}"));
        self.variables.push(name);
    }

    fn known_variable(&mut self) -> String {
        self.variables[self.random.below(self.variables.len())].clone()
    }

    /// A new one, or one that hides another.
    fn variable_name(&mut self) -> String {
        if !self.variables.is_empty() && self.random.one_in(4) {
            return self.known_variable();
        }
        format!("$v{}", self.variables.len())
    }

    fn branch(&mut self, keyword: &str, depth: usize, in_range: bool) {
        let outer = self.variables.len();
        let pipeline = self.pipeline(2);
        if self.random.one_in(4) {
            let name = self.variable_name();
            self.action(&format!("{keyword} {name} := {pipeline}"));
            self.variables.push(name);
        } else {
            self.action(&format!("{keyword} {pipeline}"));
        }
        self.body(2, depth - 1, in_range);
        self.variables.truncate(outer);
        if self.random.one_in(4) {
            let pipeline = self.pipeline(1);
            self.action(&format!("else {keyword} {pipeline}"));
            self.body(1, depth - 1, in_range);
            self.variables.truncate(outer);
        }
        if self.random.one_in(2) {
            self.action("else");
            self.body(1, depth - 1, in_range);
            self.variables.truncate(outer);
        }
        self.action("end");
    }

    fn range(&mut self, depth: usize) {
        let outer = self.variables.len();
        let over = match self.random.below(6) {
            0 => "until 4".to_owned(),
            1 => "splitList \",\" .csv".to_owned(),
            2 => "$".to_owned(),
            3 => self
                .random
                .pick(&["3", "list 1 \"b\" nil 2.5", "dict \"x\" 1 \"y\" nil"])
                .to_owned(),
            // Not a number that may be large.
            _ => match self.operand(Wanted::List, 2) {
                variable if variable.starts_with('$') => "list 1 2".to_owned(),
                list => list,
            },
        };
        let declaration = match self.random.below(6) {
            0 => {
                let (index, element) = (self.variable_name(), "$e".to_owned());
                let declaration = format!("{index}, {element} := ");
                self.variables.extend([index, element]);
                declaration
            }
            1 => {
                let element = self.variable_name();
                let declaration = format!("{element} := ");
                self.variables.push(element);
                declaration
            }
            2 if self.variables.len() > 1 => {
                format!("{}, {} = ", self.known_variable(), self.known_variable())
            }
            3 if !self.variables.is_empty() => format!("{} = ", self.known_variable()),
            _ => String::new(),
        };
        self.action(&format!("range {declaration}{over}"));
        self.body(2, depth - 1, true);
        self.variables.truncate(outer);
        if self.random.one_in(3) {
            self.action("else");
            self.body(1, depth - 1, false);
            self.variables.truncate(outer);
        }
        self.action("end");
    }

    fn other(&mut self, in_range: bool) {
        match self.random.below(5) {
            4 => {
                let index = self.blocks;
                self.blocks += 1;
                let pipeline = self.pipeline(1);
                self.action(&format!("block \"b{index}\" {pipeline}"));
                let outer = std::mem::take(&mut self.variables);
                self.body(1, 1, false);
                self.variables = outer;
                self.action("end");
            }
            0 if in_range => {
                let word = self.random.pick(&["break", "continue"]);
                self.action(word);
            }
            1 if self.templates > 0 => {
                let index = self.random.below(self.templates);
                let pipeline = self.pipeline(1);
                self.action(&format!("template \"t{index}\" {pipeline}"));
            }
            2 => {
                let comments = [
                    "{{- /* a comment */ -}}",
                    "{{/* a\n}} comment */}}",
                    "{{- /**/}}\n",
                    "\n{{/* */ -}}\n",
                    "{{ /* no comment */ }}",
                ];
                let comment = self.random.pick(&comments);
                self.out.push_str(comment);
            }
            // Sometimes something that is not in the language.
            _ if self.random.one_in(10) => {
                let wrong = self.random.pick(&[
                    "{{ end }}",
                    "{{ nope }}",
                    "{{ $x }}",
                    "{{",
                    "{{ 1 | 2 }}",
                    "{{ break }}",
                ]);
                self.out.push_str(wrong);
            }
            _ => {
                let pipeline = self.pipeline(3);
                self.action(&pipeline);
            }
        }
    }

    fn pipeline(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.one_in(4) {
            return self.operand(Wanted::Of(Parameter::Any), depth);
        }
        let (function, mut result) = self.function(None, None);
        let mut text = self.call(function, depth, false);
        while self.random.one_in(4) {
            let (function, next) = self.function(None, Some(result));
            text.push_str(" | ");
            text.push_str(&self.call(function, 1, true));
            result = next;
        }
        text
    }

    /// A function that gives something, or takes something last.
    fn function(
        &mut self,
        gives: Option<Parameter>,
        takes: Option<Parameter>,
    ) -> (&'static Function, Parameter) {
        // Sometimes it does not fit.
        let anything = self.random.one_in(40);
        loop {
            let (function, result) = self.functions[self.random.below(self.functions.len())];
            if STRICT.contains(&function.name) && !self.random.one_in(20) {
                continue;
            }
            let gives_it = gives.is_none_or(|wanted| wanted == result);
            let takes_it = takes.is_none_or(|given| {
                let last = function.parameters.len().checked_sub(1);
                last.is_some_and(|last| match wanted(function, last) {
                    Wanted::Of(Parameter::Any | Parameter::Value) => true,
                    // It may be a number that takes Go all memory.
                    Wanted::Of(Parameter::Int) => false,
                    Wanted::Of(parameter) => parameter == given,
                    Wanted::List => given == Parameter::List,
                    Wanted::Compared => true,
                    Wanted::Date | Wanted::Pattern | Wanted::Format => false,
                })
            });
            if anything || gives_it && takes_it {
                return (function, result);
            }
        }
    }

    fn call(&mut self, function: &'static Function, depth: usize, piped: bool) -> String {
        let mut count = function.parameters.len();
        if function.variadic {
            count = (count + self.random.below(3)).saturating_sub(1);
        }
        if self.random.one_in(100) {
            count += 1;
        }
        count -= usize::from(piped && count > 0);
        let mut text = function.name.to_owned();
        for index in 0..count {
            let operand = self.operand(wanted(function, index), depth.saturating_sub(1));
            text.push(' ');
            text.push_str(&operand);
        }
        text
    }

    /// An argument, mostly of the kind that is asked for.
    fn operand(&mut self, wanted: Wanted, depth: usize) -> String {
        let random = &mut self.random;
        let parameter = match wanted {
            // What has no date reads the clock.
            Wanted::Date => return random.pick(&DATES).to_owned(),
            Wanted::Pattern => return random.pick(&PATTERNS).to_owned(),
            Wanted::Format => return random.pick(&FORMATS).to_owned(),
            Wanted::List => Parameter::List,
            Wanted::Compared if random.one_in(3) => Parameter::Any,
            Wanted::Compared => return random.pick(&NUMBERS[..8]).to_owned(),
            // Not what something else gives: it may be a number that takes Go all memory.
            Wanted::Of(Parameter::Int) => return random.pick(&NUMBERS[..8]).to_owned(),
            Wanted::Of(parameter) => parameter,
        };
        let parameter = if random.one_in(60) {
            Parameter::Any
        } else {
            parameter
        };
        let is_any = matches!(parameter, Parameter::Any | Parameter::Value);
        if !self.variables.is_empty() && random.one_in(if is_any { 4 } else { 50 }) {
            return self.variables[random.below(self.variables.len())].clone();
        }
        if depth > 0 && random.one_in(4) {
            let gives = Some(parameter).filter(|_| !is_any);
            let is_given = self
                .functions
                .iter()
                .any(|(_, result)| Some(*result) == gives);
            let (function, _) = self.function(gives.filter(|_| is_given), None);
            return format!("({})", self.call(function, depth - 1, false));
        }
        let random = &mut self.random;
        match parameter {
            Parameter::Text if random.one_in(3) => random.pick(&FIELDS[..PRESENT]),
            Parameter::Text => random.pick(&TEXTS),
            Parameter::Int | Parameter::Float | Parameter::Uint32 => random.pick(&NUMBERS),
            Parameter::Bool => random.pick(&["true", "false", "(eq 1 1)"]),
            Parameter::Map => random.pick(&MAPS),
            Parameter::List => random.pick(&LISTS),
            _ => match random.below(10) {
                0 | 1 => random.pick(&TEXTS),
                2 | 3 => random.pick(&FIELDS),
                4 | 5 => random.pick(&NUMBERS),
                6 => random.pick(&LISTS),
                7 => random.pick(&MAPS),
                8 => random.pick(&DATES[2..]),
                9 if random.one_in(2) => random.pick(&OBJECTS),
                _ => random.pick(&[
                    "true",
                    "false",
                    ".",
                    "$",
                    "(semver \"1.2.3\")",
                    "(list nil)",
                ]),
            },
        }
        .to_owned()
    }
}
