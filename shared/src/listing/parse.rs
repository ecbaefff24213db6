//! A query string becomes a [`ListQuery`], or a text that says which key is wrong.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::{
    Direction, Filter, ListError, ListQuery, MemberStatus, NumberKey, NumberOperator, SortKey, TimeKey,
    TimeOperator, VisibilityFilter, WordKey,
};

/// Most conditions of one list. An image has far fewer tags and properties, and an engine gives up at a thousand.
const CONDITIONS_MAX: usize = 256;
/// Most words of one `in:`. More ids than this do not fit into an address anyway.
const WORDS_MAX: usize = 2048;

/// Sort parameters as they come, before they are put together.
#[derive(Default)]
struct SortWords {
    sort: Vec<String>,
    keys: Vec<String>,
    directions: Vec<String>,
}

impl SortWords {
    /// Glance turns its tie-breakers with the rest only when one direction was given, however many keys it is for.
    fn only_direction(&self, sort: &[(SortKey, Direction)]) -> Option<Direction> {
        let given = if self.sort.is_empty() { self.directions.len() } else { sort.len() };
        sort.first().filter(|_| given == 1).map(|(_, direction)| *direction)
    }
}

pub(super) fn parse(raw_query: &str) -> Result<ListQuery, ListError> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect();
    let mut query = ListQuery::default();
    let mut sort = SortWords::default();
    for (key, value) in &pairs {
        // What is not UTF-8 was replaced while it was decoded.
        if key.contains('\u{FFFD}') || value.contains('\u{FFFD}') {
            return refuse(format!("the query parameter {key:?} is not valid UTF-8"));
        }
        match key.as_str() {
            "sort" => sort.sort.push(value.clone()),
            "sort_key" => sort.keys.push(value.clone()),
            "sort_dir" => sort.directions.push(value.clone()),
            _ => read_pair(&mut query, key, value)?,
        }
    }
    if query.filters.len() + query.properties.len() + query.tags.len() > CONDITIONS_MAX {
        return refuse(format!("the query has more than {CONDITIONS_MAX} conditions"));
    }
    query.sort = read_sort(&sort)?;
    query.tie_breaker = sort.only_direction(&query.sort);
    query.pairs = pairs;
    Ok(query)
}

fn read_pair(query: &mut ListQuery, key: &str, value: &str) -> Result<(), ListError> {
    match key {
        "limit" => query.limit = Some(read_limit(value)?),
        "marker" => query.marker = Some(value.to_owned()),
        "tag" => query.tags.push(value.to_owned()),
        "visibility" => query.visibility = Some(read_visibility(value)?),
        "member_status" => query.member_status = read_member_status(value)?,
        "os_hidden" => query.hidden = read_hidden(value)?,
        "protected" => set(&mut query.filters, Filter::Protected(read_protected(value)?)),
        // A parameter of the first version of the API that the second one passes over.
        "deleted" => {}
        "changes-since" => {
            return refuse(
                "the query parameter \"changes-since\" is not supported; use \"updated_at=gte:TIME\"",
            );
        }
        "properties" | "locations" | "tags" => {
            return refuse(format!("images cannot be filtered by {key:?}"));
        }
        _ => read_attribute(query, key, value)?,
    }
    Ok(())
}

fn read_attribute(query: &mut ListQuery, key: &str, value: &str) -> Result<(), ListError> {
    if let Some(word) = WordKey::parse(key) {
        set(&mut query.filters, Filter::Word(word, read_words(word, value)?));
    } else if let Some(time) = TimeKey::parse(key) {
        let (operator, value) = read_time(key, value)?;
        // `created_at=gte:A&created_at=lt:B` is an interval: both must hold.
        query.filters.push(Filter::Time(time, operator, value));
    } else if let Some((number, operator)) = number_of(key)? {
        set(&mut query.filters, Filter::Number(number, operator, read_number(key, value)?));
    } else {
        query.properties.retain(|(name, _)| name != key);
        query.properties.push((key.to_owned(), value.to_owned()));
    }
    Ok(())
}

/// Of a parameter that comes twice the last one counts.
fn set(filters: &mut Vec<Filter>, filter: Filter) {
    filters.retain(|other| match (other, &filter) {
        (Filter::Word(one, _), Filter::Word(other, _)) => one != other,
        (Filter::Number(one, operator, _), Filter::Number(other, of_other, _)) => {
            (one, operator) != (other, of_other)
        }
        (Filter::Protected(_), Filter::Protected(_)) => false,
        _ => true,
    });
    filters.push(filter);
}

fn number_of(key: &str) -> Result<Option<(NumberKey, NumberOperator)>, ListError> {
    let (name, operator) = if let Some(name) = key.strip_suffix("_min") {
        (name, NumberOperator::AtLeast)
    } else if let Some(name) = key.strip_suffix("_max") {
        (name, NumberOperator::AtMost)
    } else {
        return Ok(NumberKey::parse(key).map(|number| (number, NumberOperator::Equal)));
    };
    match NumberKey::parse(name) {
        Some(number) => Ok(Some((number, operator))),
        None => refuse(format!(
            "the query parameter {key:?} is not supported; size, virtual_size, min_disk and min_ram have a range"
        )),
    }
}

fn read_limit(value: &str) -> Result<u32, ListError> {
    let number: i64 = match value.trim().parse() {
        Ok(number) => number,
        // More digits than a number has are only a large limit.
        Err(_) if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => i64::MAX,
        Err(_) => return refuse(format!("the query parameter \"limit\" must be an integer, not {value:?}")),
    };
    if number < 0 {
        return refuse("the query parameter \"limit\" must not be negative");
    }
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

fn read_visibility(value: &str) -> Result<VisibilityFilter, ListError> {
    if value == "all" {
        return Ok(VisibilityFilter::All);
    }
    value.parse().map(VisibilityFilter::Only).or_else(|_| {
        refuse(format!(
            "the query parameter \"visibility\" must be public, private, shared, community or all, not {value:?}"
        ))
    })
}

fn read_member_status(value: &str) -> Result<MemberStatus, ListError> {
    MemberStatus::parse(value).map_or_else(
        || {
            refuse(format!(
                "the query parameter \"member_status\" must be accepted, pending, rejected or all, not {value:?}"
            ))
        },
        Ok,
    )
}

fn read_hidden(value: &str) -> Result<bool, ListError> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => refuse(format!("the query parameter \"os_hidden\" must be true or false, not {value:?}")),
    }
}

fn read_protected(value: &str) -> Result<bool, ListError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => refuse(format!("the query parameter \"protected\" must be true or false, not {value:?}")),
    }
}

fn read_number(key: &str, value: &str) -> Result<i64, ListError> {
    match value.trim().parse() {
        Ok(number) if number >= 0 => Ok(number),
        Ok(_) => refuse(format!("the query parameter {key:?} must not be negative")),
        Err(_) => refuse(format!("the query parameter {key:?} must be an integer, not {value:?}")),
    }
}

/// Only what the API names an operator is one: `name=ubuntu:22.04` is a name.
fn read_words(key: WordKey, value: &str) -> Result<Vec<String>, ListError> {
    let has_operators = match key {
        WordKey::Name | WordKey::Id | WordKey::Status | WordKey::ContainerFormat | WordKey::DiskFormat => {
            true
        }
        WordKey::Owner | WordKey::Checksum | WordKey::OsHashAlgo | WordKey::OsHashValue => false,
    };
    match value.split_once(':') {
        Some(("eq", word)) if has_operators => Ok(vec![word.to_owned()]),
        Some(("in", list)) if has_operators => split_list(key.as_str(), list),
        // An operator of the API that orders has no meaning on words; a name that begins so is sent behind `eq:`.
        Some((word, _)) if has_operators && TimeOperator::parse(word).is_some() => refuse(format!(
            "the query parameter {key:?} does not know the operator {word:?}; known are eq and in",
            key = key.as_str()
        )),
        _ => Ok(vec![value.to_owned()]),
    }
}

/// `a,b,"c,d"`: a comma inside quotes is part of the word.
fn split_list(key: &str, list: &str) -> Result<Vec<String>, ListError> {
    let mut words = Vec::new();
    let mut rest = list;
    loop {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => match quoted.split_once('"') {
                Some(parts) => parts,
                None => return refuse(format!("the query parameter {key:?} has a quote that is not closed")),
            },
            None => rest.split_at(rest.find(',').unwrap_or(rest.len())),
        };
        if word.contains('"') {
            return refuse(format!("the query parameter {key:?} has a quote inside of a word"));
        }
        words.push(word.to_owned());
        if words.len() > WORDS_MAX {
            return refuse(format!("the query parameter {key:?} has more than {WORDS_MAX} words"));
        }
        if after.is_empty() {
            return Ok(words);
        }
        let Some(next) = after.strip_prefix(',') else {
            return refuse(format!("the query parameter {key:?} needs a comma after a quoted word"));
        };
        rest = next;
    }
}

/// A bare time means equal.
fn read_time(key: &str, value: &str) -> Result<(TimeOperator, Timestamp), ListError> {
    if let Some(time) = read_instant(value) {
        return Ok((TimeOperator::Equal, time));
    }
    let (word, time) = value.split_once(':').unwrap_or(("", value));
    if word.chars().all(|letter| letter.is_ascii_alphabetic()) && !word.is_empty() {
        let Some(operator) = TimeOperator::parse(word) else {
            return refuse(format!(
                "the query parameter {key:?} has the unknown operator {word:?}; known are gt, gte, lt, lte, eq and neq"
            ));
        };
        if let Some(time) = read_instant(time) {
            return Ok((operator, time));
        }
    }
    refuse(format!("the query parameter {key:?} must hold a time in the form of ISO 8601, not {value:?}"))
}

/// ISO 8601 with a zone, without one (then it is UTC), or a date alone.
fn read_instant(value: &str) -> Option<Timestamp> {
    if let Ok(time) = value.parse() {
        return Some(time);
    }
    let civil = value.parse::<DateTime>().or_else(|_| value.parse::<Date>().map(|date| date.at(0, 0, 0, 0)));
    TimeZone::UTC.to_timestamp(civil.ok()?).ok()
}

fn read_sort(words: &SortWords) -> Result<Vec<(SortKey, Direction)>, ListError> {
    if words.sort.is_empty() {
        return read_classic_sort(words);
    }
    if !words.keys.is_empty() || !words.directions.is_empty() {
        return refuse("the query parameter \"sort\" cannot be mixed with \"sort_key\" and \"sort_dir\"");
    }
    let mut sort = Vec::new();
    for word in words.sort.iter().flat_map(|list| list.split(',')) {
        let (key, direction) = word.split_once(':').unwrap_or((word, Direction::Descending.as_str()));
        sort.push((read_sort_key("sort", key.trim())?, read_direction("sort", direction.trim())?));
    }
    Ok(sort)
}

fn read_classic_sort(words: &SortWords) -> Result<Vec<(SortKey, Direction)>, ListError> {
    let mut keys = Vec::new();
    for word in &words.keys {
        keys.push(read_sort_key("sort_key", word.trim())?);
    }
    let mut directions = Vec::new();
    for word in &words.directions {
        directions.push(read_direction("sort_dir", word.trim())?);
    }
    match directions.as_slice() {
        [] => Ok(keys.into_iter().map(|key| (key, Direction::Descending)).collect()),
        [direction] if keys.is_empty() => Ok(vec![(SortKey::CreatedAt, *direction)]),
        [direction] => Ok(keys.into_iter().map(|key| (key, *direction)).collect()),
        several if several.len() == keys.len() => Ok(keys.into_iter().zip(directions).collect()),
        several => refuse(format!(
            "the query parameter \"sort_dir\" comes {} times and \"sort_key\" {} times; give one direction, or one \
             for each key",
            several.len(),
            keys.len()
        )),
    }
}

fn read_sort_key(parameter: &str, word: &str) -> Result<SortKey, ListError> {
    SortKey::parse(word).map_or_else(
        || {
            let known: Vec<&str> = SortKey::ALL.iter().map(|key| key.as_str()).collect();
            refuse(format!(
                "the query parameter {parameter:?} has the unknown key {word:?}; known are {}",
                known.join(", ")
            ))
        },
        Ok,
    )
}

fn read_direction(parameter: &str, word: &str) -> Result<Direction, ListError> {
    Direction::parse(word).map_or_else(
        || refuse(format!("the query parameter {parameter:?} has the direction {word:?}; use asc or desc")),
        Ok,
    )
}

fn refuse<T>(text: impl Into<String>) -> Result<T, ListError> {
    Err(ListError(text.into()))
}
