use super::*;
use crate::config::RemoteChecksConfig;

fn caller() -> Context {
    Context {
        user_id: Some("u1".into()),
        project_id: Some("p1".into()),
        roles: vec!["member".into(), "reader".into()],
        ..Context::default()
    }
}

fn answer(check: &Check, rules: &[Check], context: &Context, target: &Target<'_>) -> bool {
    let remote = Remote::new(&RemoteChecksConfig::default());
    check.passes(&Asked { rule: "a_rule", context, target, rules, remote: &remote }).unwrap()
}

fn asks(text: &str, target: &Target<'_>) -> bool {
    answer(&parse(text, &|_| None).unwrap(), &[], &caller(), target)
}

fn passes(text: &str) -> bool {
    asks(text, &Target::new())
}

fn refusal(text: &str) -> SyntaxError {
    parse(text, &|_| None).unwrap_err()
}

#[test]
fn nothing_is_always_and_the_signs_are_what_they_are() {
    assert!(passes(""));
    assert!(passes("  "));
    assert!(passes("@"));
    assert!(!passes("!"));
}

#[test]
fn and_binds_closer_than_or_and_not_closest() {
    assert!(passes("@ or ! and !"));
    assert!(passes("! and ! or @"));
    assert!(!passes("(@ or !) and !"));
    assert!(passes("not ! or !"));
    assert!(!passes("not (! or @)"));
    assert!(!passes("not @ and !"));
    assert!(passes("not not @"));
    assert!(passes("@ AND NOT !"));
    assert!(passes("((@ and (! or @)))"));
    assert!(!passes("@ and @ and ! or ! and @"));
}

#[test]
fn roles_are_compared_without_regard_to_case() {
    assert!(passes("role:member"));
    assert!(passes("role:Member"));
    assert!(!passes("role:admin"));
    assert!(asks("role:%(wanted)s", &Target::new().set("wanted", "READER")));
    assert!(!passes("role:%(wanted)s"));
}

#[test]
fn an_attribute_of_the_caller_is_compared_with_the_target() {
    let own = Target::new().set("project_id", "p1");
    let foreign = Target::new().set("project_id", "p2");
    assert!(asks("project_id:%(project_id)s", &own));
    assert!(!asks("project_id:%(project_id)s", &foreign));
    assert!(!passes("project_id:%(project_id)s"));
    assert!(passes("project_id:p1"));
    assert!(asks("user_id:u%(n)s", &Target::new().set("n", "1")));
    assert!(!asks("user_id:u%(n)s", &Target::new().set("n", "11")));
    assert!(passes("is_admin:False"));
    assert!(!passes("is_admin:True"));
    assert!(passes("roles:reader"));
    assert!(!passes("no_such_thing:%(x)s"));
}

#[test]
fn null_equals_no_attribute_of_a_caller() {
    let ownerless = Target::new().set_opt("owner", None::<&str>);
    let nobody = Context::default();
    let check = parse("project_id:%(owner)s", &|_| None).unwrap();
    assert!(!answer(&check, &[], &nobody, &ownerless));
    assert!(!answer(&check, &[], &nobody, &Target::new()));
    assert!(asks("None:%(owner)s", &ownerless));
    assert!(!asks("None:%(owner)s", &Target::new()));
}

#[test]
fn literals_are_compared_with_the_target() {
    let target = Target::new().set("visibility", "public").set_bool("protected", true).set("min_disk", "10");
    assert!(asks("'public':%(visibility)s", &target));
    assert!(asks("\"public\":%(visibility)s", &target));
    assert!(!asks("'private':%(visibility)s", &target));
    assert!(asks("True:%(protected)s", &target));
    assert!(!asks("False:%(protected)s", &target));
    assert!(asks("10:%(min_disk)s", &target));
    assert!(!asks("'public':%(missing)s", &target));
}

#[test]
fn a_percent_sign_is_written_twice() {
    assert!(asks("'5%':5%%", &Target::new()));
    assert_eq!(refusal("project_id:%x"), SyntaxError::BadTemplate("%x".into()));
    assert_eq!(refusal("project_id:%(a)d"), SyntaxError::BadTemplate("%(a)d".into()));
    assert_eq!(refusal("project_id:100%"), SyntaxError::BadTemplate("100%".into()));
}

#[test]
fn rules_are_found_by_their_place() {
    let check = parse("rule:b", &|name| (name == "b").then_some(1)).unwrap();
    assert_eq!(check, Check::Rule(1));
    assert!(answer(&check, &[Check::Never, Check::Always], &caller(), &Target::new()));
    assert!(!answer(&check, &[Check::Never], &caller(), &Target::new()));
    assert_eq!(refusal("rule:nobody"), SyntaxError::UnknownRule("nobody".into()));
}

#[test]
fn what_cannot_be_read_is_refused_with_the_reason() {
    assert_eq!(refusal("admin"), SyntaxError::NoCheck("admin".into()));
    assert_eq!(refusal("role:a role:b"), SyntaxError::Trailing("role:b".into()));
    assert_eq!(refusal("role:a and"), SyntaxError::EndsEarly);
    assert_eq!(refusal("and role:a"), SyntaxError::Unexpected("and".into()));
    assert_eq!(refusal("(role:a"), SyntaxError::NotClosed);
    assert_eq!(refusal("role:a)"), SyntaxError::Trailing(")".into()));
    assert_eq!(refusal("()"), SyntaxError::Unexpected(")".into()));
    assert_eq!(refusal(&"(".repeat(1000)), SyntaxError::TooDeep);
    assert_eq!(refusal(&"not ".repeat(1000)), SyntaxError::TooDeep);
    for address in ["http:", "https://", "http://%(owner)s/x", "http://server:%(port)s/x"] {
        assert_eq!(refusal(address), SyntaxError::BadAddress(address.into()));
    }
}
