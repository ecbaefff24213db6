use std::path::Path;

use super::*;

fn enforcer(dir: &Path, text: &str) -> Result<Enforcer, PolicyError> {
    std::fs::write(dir.join("policy.yaml"), text).unwrap();
    Enforcer::new(&config(dir, true))
}

fn config(dir: &Path, enforce_new_defaults: bool) -> PolicyConfig {
    PolicyConfig {
        file: Some(dir.join("policy.yaml")),
        dirs: vec![dir.join("policy.d")],
        enforce_new_defaults,
        ..PolicyConfig::default()
    }
}

fn defaults() -> Enforcer {
    Enforcer::new(&PolicyConfig::default()).unwrap()
}

fn caller(project: &str, roles: &[&str]) -> Context {
    Context {
        user_id: Some("user".into()),
        project_id: Some(project.into()),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ..Context::default()
    }
}

fn admin() -> Context {
    caller("elsewhere", &["admin", "member", "reader"])
}

fn member() -> Context {
    caller("own", &["member", "reader"])
}

fn reader() -> Context {
    caller("own", &["reader"])
}

fn other() -> Context {
    caller("other", &["member", "reader"])
}

/// An image of the project `own`, private unless `visibility` says otherwise.
fn image(visibility: &'static str) -> Target<'static> {
    Target::new().set("project_id", "own").set("owner", "own").set("visibility", visibility)
}

/// The answers for admin, member and reader of the owner, and member of another project.
fn answers(rule: Rule, target: &Target<'_>) -> [bool; 4] {
    let enforcer = defaults();
    [admin(), member(), reader(), other()].map(|context| enforcer.allows(&context, rule, target))
}

const ADMIN_ONLY: [bool; 4] = [true, false, false, false];
const OWNER_WRITES: [bool; 4] = [true, true, false, false];
const OWNER_READS: [bool; 4] = [true, true, true, false];

#[test]
fn changes_of_an_image_are_for_members_of_its_project() {
    for rule in [
        Rule::AddImage,
        Rule::DeleteImage,
        Rule::ModifyImage,
        Rule::CommunitizeImage,
        Rule::UploadImage,
        Rule::SetImageLocation,
        Rule::AddImageLocation,
        Rule::AddMember,
        Rule::DeleteMember,
        Rule::Deactivate,
        Rule::Reactivate,
    ] {
        assert_eq!(answers(rule, &image("private")), OWNER_WRITES, "{rule:?}");
        assert_eq!(answers(rule, &image("public")), OWNER_WRITES, "{rule:?}");
    }
}

#[test]
fn some_rules_are_for_administrators_alone() {
    for rule in [
        Rule::PublicizeImage,
        Rule::DeleteImageLocation,
        Rule::CopyImage,
        Rule::TasksApiAccess,
        Rule::ManageImageCache,
        Rule::ListCachedNodes,
        Rule::CacheImage,
        Rule::CacheList,
        Rule::CacheDelete,
        Rule::CacheClean,
        Rule::CachePrune,
        Rule::StoresInfoDetail,
        Rule::FetchImageLocation,
        Rule::AddMetadefNamespace,
        Rule::DeleteMetadefTags,
    ] {
        assert_eq!(answers(rule, &image("public")), ADMIN_ONLY, "{rule:?}");
    }
}

#[test]
fn an_image_is_seen_by_whom_its_visibility_says() {
    assert_eq!(answers(Rule::GetImage, &image("private")), OWNER_READS);
    for visibility in ["public", "community", "shared"] {
        assert_eq!(answers(Rule::GetImage, &image(visibility)), [true; 4], "{visibility}");
    }
    let offered = image("private").set("member_id", "other");
    assert_eq!(answers(Rule::GetImage, &offered), [true; 4]);
    assert_eq!(answers(Rule::GetImages, &Target::new().set("project_id", "own")), OWNER_READS);
    assert_eq!(answers(Rule::GetImageLocation, &image("public")), OWNER_READS);
}

#[test]
fn data_is_for_members_and_not_for_readers() {
    for rule in [Rule::DownloadImage, Rule::DownloadFromStore] {
        assert_eq!(answers(rule, &image("private")), OWNER_WRITES);
        assert_eq!(answers(rule, &image("public")), [true, true, false, true]);
    }
}

#[test]
fn only_the_member_answers_an_offer() {
    let offer = image("shared").set("member_id", "other");
    assert_eq!(answers(Rule::ModifyMember, &offer), [true, false, false, true]);
    assert_eq!(answers(Rule::GetMember, &offer), [true; 4]);
    assert_eq!(answers(Rule::GetMembers, &image("private")), OWNER_READS);
}

#[test]
fn an_owner_other_than_the_own_project_needs_an_administrator() {
    let foreign = Target::new().set("project_id", "own").set("owner", "elsewhere");
    assert_eq!(answers(Rule::AddImage, &foreign), ADMIN_ONLY);
}

#[test]
fn services_may_read_locations() {
    let service = caller("service", &["service"]);
    assert!(defaults().allows(&service, Rule::FetchImageLocation, &image("private")));
    assert!(defaults().allows(&service, Rule::AddImageLocation, &image("private")));
    assert!(!defaults().allows(&service, Rule::DeleteImage, &image("private")));
}

#[test]
fn tokens_of_the_system_or_a_domain_pass_no_rule_of_projects() {
    let system = Context { system_scope: Some("all".into()), project_id: None, ..admin() };
    let domain = Context { project_id: None, ..admin() };
    let enforcer = defaults();
    for context in [system, domain] {
        assert!(enforcer.is_admin(&context));
        for definition in DEFINITIONS.iter().filter(|definition| definition.scope == Scope::Project) {
            assert!(!enforcer.allows(&context, definition.rule, &image("public")), "{}", definition.name);
        }
    }
    let without_identity = Context { roles: vec!["admin".into()], ..Context::default() };
    assert!(enforcer.allows(&without_identity, Rule::PublicizeImage, &image("private")));
}

#[test]
fn every_rule_denies_when_it_is_replaced_by_never() {
    let dir = tempfile::tempdir().unwrap();
    for definition in DEFINITIONS {
        let enforcer = enforcer(dir.path(), &format!("{}: \"!\"\n", definition.name)).unwrap();
        for context in [admin(), member(), caller("own", &["admin", "service", "member", "reader"])] {
            assert!(!enforcer.allows(&context, definition.rule, &image("public")), "{}", definition.name);
        }
        assert_eq!(enforcer.unknown_rules(), [""; 0]);
    }
}

#[test]
fn every_rule_allows_when_it_is_replaced_by_always() {
    let dir = tempfile::tempdir().unwrap();
    for definition in DEFINITIONS {
        let enforcer = enforcer(dir.path(), &format!("{}: \"@\"\n", definition.name)).unwrap();
        assert!(
            enforcer.allows(&caller("nowhere", &[]), definition.rule, &Target::new()),
            "{}",
            definition.name
        );
    }
}

#[test]
fn a_change_of_context_is_admin_changes_what_follows_it() {
    let dir = tempfile::tempdir().unwrap();
    let enforcer = enforcer(dir.path(), "context_is_admin: role:image_admin\n").unwrap();
    let image_admin = caller("elsewhere", &["image_admin"]);
    assert!(enforcer.is_admin(&image_admin));
    assert!(enforcer.allows(&image_admin, Rule::PublicizeImage, &image("private")));
    assert!(!enforcer.is_admin(&admin()));
    assert!(!enforcer.allows(&admin(), Rule::PublicizeImage, &image("private")));
}

#[test]
fn the_operator_may_have_rules_of_his_own() {
    let dir = tempfile::tempdir().unwrap();
    let text = "curator: role:curator\npublicize_image: rule:curator\npublicise_image: role:admin\n";
    let enforcer = enforcer(dir.path(), text).unwrap();
    assert!(enforcer.allows(&caller("own", &["curator"]), Rule::PublicizeImage, &image("private")));
    assert!(!enforcer.allows(&admin(), Rule::PublicizeImage, &image("private")));
    assert_eq!(enforcer.unknown_rules(), ["publicise_image"]);
}

#[test]
fn a_rule_that_is_asked_beside_the_policy_is_not_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let enforcer = enforcer(dir.path(), "curator: role:curator\npublicise_image: role:admin\n").unwrap();
    assert_eq!(enforcer.unknown_rules(), ["curator", "publicise_image"]);
    assert!(enforcer.will_be_asked("curator"));
    assert!(!enforcer.will_be_asked("nobody"));
    assert_eq!(enforcer.unknown_rules(), ["publicise_image"]);
}

#[test]
fn the_former_name_of_the_cache_rules_is_obeyed() {
    let dir = tempfile::tempdir().unwrap();
    let cacher = caller("own", &["cacher"]);
    let all = enforcer(dir.path(), "manage_image_cache: role:cacher\n").unwrap();
    assert!(all.allows(&cacher, Rule::CacheList, &Target::new()));
    assert!(!all.allows(&admin(), Rule::CacheDelete, &Target::new()));
    assert!(!all.allows(&cacher, Rule::CachePrune, &Target::new()));
    let text = "manage_image_cache: role:cacher\ncache_list: role:lister\n";
    assert!(!enforcer(dir.path(), text).unwrap().allows(&cacher, Rule::CacheList, &Target::new()));
}

#[test]
fn old_defaults_widen_reading_but_not_foreign_changes() {
    let dir = tempfile::tempdir().unwrap();
    let old = Enforcer::new(&config(dir.path(), false)).unwrap();
    let roleless = caller("own", &["_member_"]);
    let stranger = caller("other", &["_member_"]);
    for rule in [Rule::GetImage, Rule::GetImages, Rule::DownloadImage] {
        assert!(old.allows(&roleless, rule, &image("private")), "{rule:?}");
        assert!(!defaults().allows(&roleless, rule, &image("private")), "{rule:?}");
    }
    for rule in [Rule::AddImage, Rule::ModifyImage, Rule::DeleteImage, Rule::UploadImage, Rule::AddMember] {
        assert!(old.allows(&roleless, rule, &image("private")), "{rule:?}");
        assert!(!old.allows(&stranger, rule, &image("public")), "{rule:?}");
    }
    assert!(!old.allows(&roleless, Rule::PublicizeImage, &image("private")));
}

#[test]
fn mistakes_stop_the_start_and_name_file_and_rule() {
    let dir = tempfile::tempdir().unwrap();
    let said = |text: &str| enforcer(dir.path(), text).unwrap_err().to_string();
    for (text, expected) in [
        ("get_image: role:a role:b\n", "rule \"get_image\" in the policy file"),
        ("get_image: \"http:\"\n", "no address"),
        ("get_image: rule:nobody\n", "rule:nobody names a rule that does not exist"),
        ("a: rule:b\nb: rule:a\n", "refers to itself"),
        ("default: rule:get_task\n", "refers to itself"),
        ("get_image: [\n", "policy.yaml is not valid"),
    ] {
        let said = said(text);
        assert!(said.contains(expected) && said.contains("policy.yaml"), "{said}");
    }
}

#[test]
fn a_changed_file_is_read_again_and_a_broken_one_keeps_the_rules() {
    let dir = tempfile::tempdir().unwrap();
    let enforcer = enforcer(dir.path(), "publicize_image: role:member\n").unwrap();
    let allowed = || enforcer.allows(&member(), Rule::PublicizeImage, &image("private"));
    assert!(allowed());
    std::fs::write(dir.path().join("policy.yaml"), "publicize_image: \"!\"\n").unwrap();
    enforcer.refresh();
    assert!(!allowed());
    std::fs::write(dir.path().join("policy.yaml"), "publicize_image: (role:member\n").unwrap();
    enforcer.refresh();
    assert!(!allowed());
    std::fs::create_dir(dir.path().join("policy.d")).unwrap();
    std::fs::write(dir.path().join("policy.yaml"), "").unwrap();
    std::fs::write(dir.path().join("policy.d/x.yaml"), "publicize_image: \"@\"\n").unwrap();
    enforcer.refresh();
    assert!(allowed());
    std::fs::remove_dir_all(dir.path().join("policy.d")).unwrap();
    enforcer.refresh();
    assert!(!allowed());
    assert!(enforcer.allows(&admin(), Rule::PublicizeImage, &image("private")));
}

#[test]
fn the_files_are_looked_at_once_a_second_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let mut enforcer = enforcer(dir.path(), "publicize_image: \"!\"\n").unwrap();
    std::fs::write(dir.path().join("policy.yaml"), "").unwrap();
    enforcer.refresh_sometimes();
    let rule = Rule::PublicizeImage;
    let set = enforcer.set();
    assert!(!enforcer.answer(rule.name(), set.check(rule), &admin(), &Target::new()));
    enforcer.started -= std::time::Duration::from_secs(2);
    assert!(enforcer.allows(&admin(), Rule::PublicizeImage, &Target::new()));
}

#[test]
fn a_refusal_names_the_rule_and_hides_what_is_not_seen() {
    let enforcer = defaults();
    let missing = || Error::NotFound("no image".into());
    let refusal = |target: &Target<'_>| {
        enforcer.enforce_or_hide(&other(), Rule::DeleteImage, target, missing).unwrap_err()
    };
    assert!(matches!(refusal(&image("private")), Error::NotFound(text) if text == "no image"));
    assert!(matches!(refusal(&image("public")), Error::Forbidden(text) if text.contains("delete_image")));
    assert!(enforcer.enforce_or_hide(&member(), Rule::DeleteImage, &image("private"), missing).is_ok());
}

#[test]
fn the_target_of_a_shared_image_is_private_to_strangers() {
    use glasshouse_shared::image::{Image, Status, Visibility};
    let now = jiff::Timestamp::UNIX_EPOCH;
    let mut record = Image {
        id: "id".into(),
        name: None,
        status: Status::Active,
        visibility: Visibility::Shared,
        protected: false,
        hidden: false,
        owner: Some("own".into()),
        disk_format: None,
        container_format: None,
        min_disk_gb: 0,
        min_ram_mb: 0,
        tags: BTreeSet::new(),
        size: None,
        virtual_size: None,
        checksum: None,
        os_hash_algo: None,
        os_hash_value: None,
        created_at: now,
        updated_at: now,
        properties: std::collections::BTreeMap::from([("owner".to_owned(), "other".to_owned())]),
    };
    let enforcer = defaults();
    let sees =
        |record: &Image, member| enforcer.allows(&other(), Rule::GetImage, &Target::of_image(record, member));
    assert!(!sees(&record, None));
    assert!(sees(&record, Some("other")));
    assert!(enforcer.allows(&member(), Rule::GetImage, &Target::of_image(&record, None)));
    let target = Target::of_image(&record, None);
    assert_eq!(target.get("owner").flatten().as_deref(), Some("own"));
    record.owner = None;
    assert!(sees(&record, None));
}

#[test]
fn the_sample_file_changes_nothing_and_can_be_switched_on_line_by_line() {
    let sample = sample_yaml(&crate::api::calls_of);
    let dir = tempfile::tempdir().unwrap();
    let switched_on = sample.replace("\n#\"", "\n\"");
    let enforcer = enforcer(dir.path(), &switched_on).unwrap();
    assert_eq!(file::read(&config(dir.path(), true)).unwrap().len(), Rule::ALL.len());
    assert_eq!(enforcer.unknown_rules(), [""; 0]);
    assert!(sample.contains("\n#\"publicize_image\": \"rule:context_is_admin\"\n"));
    assert!(sample.contains("\n#   POST /v2/images\n"));
}

#[test]
fn the_page_has_a_row_for_every_rule() {
    let page = markdown(&crate::api::calls_of);
    for definition in DEFINITIONS {
        assert!(
            page.contains(&format!("| `{}` | {}", definition.name, definition.sentence)),
            "{}",
            definition.name
        );
    }
    assert!(page.contains("| `get_images` | "));
}

#[test]
fn a_rule_names_every_call_of_this_service_that_asks_it() {
    let page = markdown(&crate::api::calls_of);
    let row = page.lines().find(|line| line.starts_with("| `upload_image` | ")).unwrap();
    for call in ["PUT /v2/images/{image_id}/file", "PATCH /v2/images/{image_id}/uploads/{upload_id}"] {
        assert_eq!(row.matches(&format!("`{call}`")).count(), 1, "{call}: {row}");
    }
    // No route of this service is for it, but the reference has a call.
    let none = |_| Vec::new();
    assert!(markdown(&none).contains("`PUT /v2/images/{image_id}/file`"));
}
