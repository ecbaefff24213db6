//! The page `docs/configure.md`, made from the table.

use std::fmt::Write as _;

use super::{Opt, Status, all, is_gone};

const OPENING: &str = "# Configuration

<!-- Made by `glasshouse-service config options-markdown`; change the table in service/src/config/options instead. -->

The service reads `glance-api.conf` as Glance does. Without `--config-file` it looks into `$OS_GLANCE_CONFIG_DIR`, or \
else into `~/.glance` and `/etc/glance`, for `glance-image-import.conf` and then `glance-api.conf` (each with the \
directory of the same name and `.d`); what is read later wins. A variable `OS_<SECTION>__<OPTION>` wins over every file.

Lines are `option = value`; `#` and `;` begin a comment; an indented line continues the one above; `$option` and \
`${section.option}` are filled in and `$$` is a dollar sign; `-` and `_` in a name are the same. Lists may stand in \
brackets or without.

`glasshouse-service config check` names every mistake at once, `config show` prints what is in effect.

";

/// The whole page.
pub fn markdown() -> String {
    let mut page = OPENING.to_owned();
    let mut sections: Vec<&str> = Vec::new();
    for option in all() {
        if !sections.contains(&option.section) {
            sections.push(option.section);
        }
    }
    for section in sections {
        section_of(&mut page, section);
    }
    page.push_str("## Names of the past\n\n| option | what it was | what to do |\n| --- | --- | --- |\n");
    for option in all() {
        if let Status::Gone(instead) = option.status {
            row(&mut page, &[&format!("`[{}] {}`", option.section, option.name), option.sentence, instead]);
        }
        for (section, name) in option.aliases {
            let instead = format!("write `[{}] {}`", option.section, option.name);
            row(&mut page, &[&format!("`[{section}] {name}`"), "An older name; it is still read.", &instead]);
        }
    }
    page
}

fn section_of(page: &mut String, section: &str) {
    let of_section = || all().iter().filter(move |option| option.section == section && !is_gone(option));
    if of_section().next().is_none() {
        return;
    }
    let _ = writeln!(page, "## [{section}]\n");
    if section == super::STORE_SECTION {
        page.push_str("The options from `store_description` on stand in the section of each store when `enabled_backends` is set.\n\n");
    }
    if of_section().any(|option| matches!(option.status, Status::Used | Status::Missing)) {
        page.push_str("| option | kind | default | meaning |\n| --- | --- | --- | --- |\n");
        for option in of_section().filter(|option| option.status != Status::Accepted) {
            let meaning = match option.status {
                Status::Missing => format!("**Not in this version.** {}", option.sentence),
                _ => option.sentence.to_owned(),
            };
            row(page, &[&format!("`{}`", option.name), option.kind.as_str(), &default_of(option), &meaning]);
        }
        page.push('\n');
    }
    let accepted: Vec<&Opt> = of_section().filter(|option| option.status == Status::Accepted).collect();
    if !accepted.is_empty() {
        let names: Vec<String> = accepted.iter().map(|option| format!("`{}`", option.name)).collect();
        let _ = writeln!(page, "Accepted without effect: {}.\n", names.join(", "));
    }
}

fn default_of(option: &Opt) -> String {
    match option.default {
        None => "unset".to_owned(),
        Some("") => "empty".to_owned(),
        Some(default) => format!("`{default}`"),
    }
}

fn row(page: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_on_the_page() {
        let page = markdown();
        for option in all() {
            assert!(page.contains(&format!("{}`", option.name)), "[{}] {}", option.section, option.name);
        }
        assert!(page.contains("| `[keystone_authtoken] auth_uri` | An older name; it is still read. | write `[keystone_authtoken] www_authenticate_uri` |"));
        assert!(
            page.contains(
                "| `bind_port` | integer | `9292` | Port to listen on; 0 lets the system choose. |"
            )
        );
    }
}
