use super::*;

fn query(text: &str) -> ListQuery {
    ListQuery::parse(text).unwrap()
}

fn refusal(text: &str) -> String {
    ListQuery::parse(text).unwrap_err().to_string()
}

#[test]
fn an_empty_query_asks_for_the_default() {
    let query = query("");
    assert_eq!(query, ListQuery::default());
    assert_eq!(
        query.order(),
        [(SortKey::CreatedAt, Direction::Descending), (SortKey::Id, Direction::Descending)]
    );
    assert_eq!(query.member_status, MemberStatus::Accepted);
}

#[test]
fn limit_and_marker_are_read() {
    let query = query("limit=0&marker=abc");
    assert_eq!((query.limit, query.marker.as_deref()), (Some(0), Some("abc")));
    assert_eq!(self::query("limit=99999999999").limit, Some(u32::MAX));
    assert_eq!(self::query("limit=99999999999999999999999").limit, Some(u32::MAX));
}

#[test]
fn what_is_wrong_is_refused_by_its_name() {
    for (text, key) in [
        ("limit=-1", "\"limit\""),
        ("limit=ten", "\"limit\""),
        ("limit=", "\"limit\""),
        ("sort=colour", "\"colour\""),
        ("sort=name:up", "\"up\""),
        ("sort=", "\"sort\""),
        ("sort=name&sort_key=id", "\"sort_key\""),
        ("sort=name&sort_dir=asc", "\"sort\""),
        ("sort_key=owner", "\"owner\""),
        ("sort_key=name&sort_key=id&sort_key=size&sort_dir=asc&sort_dir=asc", "\"sort_dir\""),
        ("sort_key=name&sort_dir=asc&sort_dir=asc", "\"sort_dir\""),
        ("sort_dir=asc&sort_dir=desc", "\"sort_dir\""),
        ("visibility=secret", "\"visibility\""),
        ("visibility=", "\"visibility\""),
        ("member_status=maybe", "\"member_status\""),
        ("protected=True", "\"protected\""),
        ("os_hidden=1", "\"os_hidden\""),
        ("created_at=yesterday", "\"created_at\""),
        ("created_at=near:2024-01-01", "\"near\""),
        ("updated_at=gt:never", "\"updated_at\""),
        ("updated_at=gt:", "\"updated_at\""),
        ("size_min=big", "\"size_min\""),
        ("size_max=-1", "\"size_max\""),
        ("size=1.5", "\"size\""),
        ("colour_min=1", "\"colour_min\""),
        ("created_at_max=1", "\"created_at_max\""),
        ("changes-since=2024-01-01", "\"changes-since\""),
        ("properties=a", "\"properties\""),
        ("locations=a", "\"locations\""),
        ("name=in:%22a", "\"name\""),
        ("name=in:%22a%22b", "\"name\""),
        ("name=in:a%22b", "\"name\""),
        ("name=%FF", "UTF-8"),
    ] {
        assert!(refusal(text).contains(key), "{text}: {}", refusal(text));
    }
}

#[test]
fn a_query_that_no_engine_could_run_is_refused() {
    let tags = |count: usize| "tag=a&".repeat(count);
    assert_eq!(query(&tags(256)).tags.len(), 256);
    assert!(refusal(&tags(257)).contains("256 conditions"));
    let mixed = format!("{}colour=red&created_at=gt:2020-01-01&name=a", tags(254));
    assert!(refusal(&mixed).contains("256 conditions"));
    let words = |count: usize| format!("id=in:{}", vec!["a"; count].join(","));
    assert!(
        matches!(query(&words(2048)).filters.as_slice(), [Filter::Word(_, words)] if words.len() == 2048)
    );
    assert!(refusal(&words(2049)).contains("\"id\" has more than 2048 words"));
}

#[test]
fn a_colon_is_part_of_a_name_unless_an_operator_stands_before_it() {
    let words = |text| match query(text).filters.as_slice() {
        [Filter::Word(WordKey::Name, words)] => words.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(words("name=ubuntu:22.04"), ["ubuntu:22.04"]);
    assert_eq!(words("name=eq:ubuntu:22.04"), ["ubuntu:22.04"]);
    assert_eq!(words("name=eq:in:x"), ["in:x"]);
    assert_eq!(words("name=in:a,%22b,c%22,,d+e"), ["a", "b,c", "", "d e"]);
    assert_eq!(words("name=in:"), [""]);
    assert_eq!(words("name=eq:neq:a"), ["neq:a"]);
    assert!(ListQuery::parse("name=neq:a").is_err_and(|error| error.to_string().contains("neq")));
    assert_eq!(words("name=a&name=b"), ["b"]);
    assert_eq!(words("name="), [""]);
}

#[test]
fn owners_and_digests_have_no_operators() {
    assert_eq!(query("owner=in:a").filters, [Filter::Word(WordKey::Owner, vec!["in:a".to_owned()])]);
}

#[test]
fn times_are_read_in_every_form() {
    let read = |text: &str| match query(&format!("created_at={text}")).filters.as_slice() {
        [Filter::Time(TimeKey::CreatedAt, operator, time)] => (*operator, time.to_string()),
        other => panic!("{other:?}"),
    };
    let second = "2024-05-06T07:08:09Z".to_owned();
    assert_eq!(read("2024-05-06T07:08:09Z"), (TimeOperator::Equal, second.clone()));
    assert_eq!(read("2024-05-06T07:08:09"), (TimeOperator::Equal, second.clone()));
    assert_eq!(read("gte:2024-05-06T09:08:09%2B02:00"), (TimeOperator::GreaterOrEqual, second.clone()));
    assert_eq!(read("neq:2024-05-06T07:08:09Z"), (TimeOperator::NotEqual, second));
    assert_eq!(read("2024-05-06"), (TimeOperator::Equal, "2024-05-06T00:00:00Z".to_owned()));
    assert_eq!(read("lt:2024-05-06"), (TimeOperator::Less, "2024-05-06T00:00:00Z".to_owned()));
}

#[test]
fn two_times_make_an_interval_and_two_numbers_do_not() {
    assert_eq!(query("created_at=gt:2024-01-01&created_at=lt:2024-02-01").filters.len(), 2);
    assert_eq!(
        query("size=1&size=2&size_min=3").filters,
        [
            Filter::Number(NumberKey::Size, NumberOperator::Equal, 2),
            Filter::Number(NumberKey::Size, NumberOperator::AtLeast, 3),
        ]
    );
}

#[test]
fn every_other_key_is_a_property() {
    let query = query("os_distro=debian&hw%3Aa=b&os_distro=ubuntu&is_public=true&=empty&deleted=true");
    let expected = [("hw:a", "b"), ("os_distro", "ubuntu"), ("is_public", "true"), ("", "empty")];
    assert_eq!(query.properties, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(query.filters.is_empty());
}

#[test]
fn sort_keys_take_one_direction_or_one_each() {
    use Direction::{Ascending, Descending};
    assert_eq!(query("sort=name:asc,size").sort, [(SortKey::Name, Ascending), (SortKey::Size, Descending)]);
    assert_eq!(
        query("sort_key=name&sort_key=id").sort,
        [(SortKey::Name, Descending), (SortKey::Id, Descending)]
    );
    assert_eq!(
        query("sort_key=name&sort_key=id&sort_dir=asc").sort,
        [(SortKey::Name, Ascending), (SortKey::Id, Ascending)]
    );
    assert_eq!(
        query("sort_key=name&sort_key=id&sort_dir=asc&sort_dir=desc").sort,
        [(SortKey::Name, Ascending), (SortKey::Id, Descending)]
    );
    assert_eq!(query("sort_dir=asc").sort, [(SortKey::CreatedAt, Ascending)]);
}

#[test]
fn the_tie_breakers_follow_the_only_direction() {
    use Direction::{Ascending, Descending};
    let ties = |text| query(text).order().split_off(1);
    assert_eq!(ties("sort=name:asc"), [(SortKey::CreatedAt, Ascending), (SortKey::Id, Ascending)]);
    assert_eq!(
        ties("sort_key=name&sort_dir=asc"),
        [(SortKey::CreatedAt, Ascending), (SortKey::Id, Ascending)]
    );
    assert_eq!(ties("sort=name"), [(SortKey::CreatedAt, Descending), (SortKey::Id, Descending)]);
    // Several directions, also equal ones, leave the tie-breakers as they are.
    let several = [(SortKey::CreatedAt, Descending), (SortKey::Id, Descending)];
    assert_eq!(query("sort=name:asc,size:asc").order().split_off(2), several);
    assert_eq!(
        query("sort_key=name&sort_key=size&sort_dir=asc").order().split_off(2),
        [(SortKey::CreatedAt, Ascending), (SortKey::Id, Ascending)]
    );
    assert_eq!(query("sort=id:asc,name:desc").order(), [(SortKey::Id, Ascending)]);
}

#[test]
fn words_and_flags_are_read() {
    let query = query("visibility=all&member_status=pending&os_hidden=TRUE&protected=false&tag=a&tag=b");
    assert_eq!(query.visibility, Some(VisibilityFilter::All));
    assert_eq!(query.member_status, MemberStatus::Pending);
    assert!(query.hidden);
    assert_eq!(query.filters, [Filter::Protected(false)]);
    assert_eq!(query.tags, ["a", "b"]);
    let private = self::query("visibility=private");
    assert_eq!(private.visibility, Some(VisibilityFilter::Only(Visibility::Private)));
}

#[test]
fn links_keep_what_was_asked_with_repeated_keys_and_another_marker() {
    let query = query("tag=x&limit=2&tag=y&marker=old&sort_key=name&name=a%20b%26c");
    assert_eq!(query.from_start().to_query(), "tag=x&limit=2&tag=y&sort_key=name&name=a+b%26c");
    assert_eq!(query.after("new").to_query(), "tag=x&limit=2&tag=y&sort_key=name&name=a+b%26c&marker=new");
    let again = self::query(&query.to_query());
    assert_eq!((again.tags, again.marker), (query.tags, query.marker));
    assert_eq!(ListQuery::default().to_query(), "");
}
