//! The table of rules as people read it: the sample file and the page for operators.

use std::fmt::Write as _;

use super::rules::{DEFINITIONS, Definition, Rule, Scope};

/// Answers the calls of this service that ask a rule.
pub type Calls<'a> = &'a dyn Fn(Rule) -> Vec<String>;

/// A policy file that changes nothing: every rule, commented out, with what it is for.
pub fn sample_yaml(calls: Calls<'_>) -> String {
    let mut text = String::from(
        "# The rules of the Image service with their defaults. A line without the leading \"#\" replaces the default\n\
         # of that rule as a whole. The file is read again when it changes.\n",
    );
    for definition in DEFINITIONS {
        text.push('\n');
        line(&mut text, "# ", definition.sentence);
        for operation in asked_by(definition, calls) {
            line(&mut text, "#   ", &operation);
        }
        line(&mut text, "#", &setting(definition));
    }
    text
}

/// `"name": "check"`, as YAML and JSON both read it.
fn setting(definition: &Definition) -> String {
    format!("\"{}\": \"{}\"", definition.name, definition.check)
}

/// The calls of this service, and after them those of the reference that it does not have.
fn asked_by(definition: &Definition, calls: Calls<'_>) -> Vec<String> {
    let mut all = calls(definition.rule);
    for operation in definition.operations {
        if !all.iter().any(|call| call == operation) {
            all.push((*operation).to_owned());
        }
    }
    all
}

/// The page for operators: one table row for each rule.
pub fn markdown(calls: Calls<'_>) -> String {
    let mut text = String::from(PAGE_HEAD);
    for definition in DEFINITIONS {
        let operations = asked_by(definition, calls);
        let operations: Vec<String> = operations.iter().map(|call| format!("`{call}`")).collect();
        let check =
            if definition.check.is_empty() { "always".to_owned() } else { format!("`{}`", definition.check) };
        let scope = match definition.scope {
            Scope::Any => "any",
            Scope::Project => "project",
        };
        let cells =
            [&format!("`{}`", definition.name), definition.sentence, &check, scope, &operations.join("<br>")];
        line(&mut text, "| ", &format!("{} |", cells.join(" | ")));
    }
    text
}

const PAGE_HEAD: &str = "# Policy rules

Each call asks one or more of these rules. To change one, write it into `policy.yaml` beside the configuration file \
(option `[oslo_policy] policy_file`) or into a file of the folder `policy.d` (`policy_dirs`):

```yaml
\"publicize_image\": \"role:member\"
```

- A rule in a file replaces its default as a whole; files of `policy.d` are read after `policy.yaml`, in the order of \
their names. JSON is read too.
- The files are read again within a second of a change. A file with a mistake stops the start; while the service runs \
it is logged and the former rules stay.
- Checks: `role:NAME`, `rule:NAME`, `ATTRIBUTE:%(attribute of the image)s` (for example `project_id:%(owner)s`), \
`'text':%(attribute)s`, `@` (always), `!` (never), bound by `not`, `and`, `or` and parentheses. Names of \
rules that do not exist are refused.
- `http://server/%(name)s` and `https:…` ask a server: it is sent the name of the rule, the target and the caller by \
POST, and allows with the answer `True` (options `remote_…` of `[oslo_policy]`). A server that does not answer, or \
answers with an error, makes the whole rule refuse, also behind `not`; that is logged once. A rule of lists is asked \
for each image, so a remote check in `get_image` makes lists as slow as its server.
- An attribute that is missing or null equals nothing, not even an attribute of the caller that is missing.
- Rules of scope *project* refuse tokens that are scoped to the system or to a domain, whatever their check says.
- With `[oslo_policy] enforce_new_defaults = False` the wider checks of older releases are valid beside the defaults \
below; changes still need the own project.

| rule | what it allows | default | scope | asked by |
| --- | --- | --- | --- | --- |
";

fn line(text: &mut String, start: &str, rest: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{start}{rest}");
}
