//! `[database] connection`, as SQLAlchemy writes it, into what we connect to.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use super::files::absolute;
use super::{DatabaseUrl, Secret};

/// What is wrong with an address; the texts never carry the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub what: String,
    pub mend: String,
}

/// A good address, with what should be said about it all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    pub url: DatabaseUrl,
    pub warnings: Vec<Refusal>,
}

const FORM: &str = "write `connection = mysql+pymysql://USER:PASSWORD@HOST/DATABASE`";
const DEFAULT_PORT: u16 = 3306;

fn refuse<T>(what: impl Into<String>, mend: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { what: what.into(), mend: mend.into() })
}

/// Reads an address.
pub fn parse(text: &str) -> Result<Parsed, Refusal> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return refuse("this is not the address of a database", FORM);
    };
    match scheme.to_ascii_lowercase().as_str() {
        "sqlite" | "sqlite+pysqlite" => sqlite(rest),
        "mysql"
        | "mysql+pymysql"
        | "mysql+mysqldb"
        | "mysql+mysqlconnector"
        | "mariadb"
        | "mariadb+pymysql"
        | "mariadb+mysqldb"
        | "mariadb+mariadbconnector" => mariadb(rest),
        name if name.starts_with("postgres") => refuse(
            "PostgreSQL is not supported, neither here nor by Glance's own upgrades",
            "move the database to MariaDB or MySQL, or use SQLite for a single machine",
        ),
        name => refuse(format!("{name}:// is no database that can be used"), FORM),
    }
}

/// The address without its password, for every output.
pub fn masked(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return "***".to_owned() };
    // The password may carry an @ of its own: hide up to the last one.
    let (login, host) = rest.rsplit_once('@').map_or((None, rest), |(login, host)| (Some(login), host));
    let host = host.split_once('?').map_or(host, |(host, _)| host);
    match login.map(|login| login.split_once(':').map_or(login, |(user, _)| user)) {
        Some(user) => format!("{scheme}://{user}:***@{host}"),
        None => format!("{scheme}://{host}"),
    }
}

fn sqlite(rest: &str) -> Result<Parsed, Refusal> {
    let (rest, _) = rest.split_once('?').unwrap_or((rest, ""));
    let Some(path) = rest.strip_prefix('/') else {
        return refuse(
            "an SQLite address without a file would be lost with the process",
            "write `connection = sqlite:////absolute/path` with four slashes",
        );
    };
    if path.is_empty() || path == ":memory:" {
        return refuse(
            "a database in memory would be lost with the process",
            "write `connection = sqlite:////absolute/path` with four slashes",
        );
    }
    let mut warnings = Vec::new();
    let path = PathBuf::from(path);
    let full = absolute(&path);
    if !path.is_absolute() {
        warnings.push(Refusal {
            what: format!(
                "three slashes name a file below the current directory, which is {} this time",
                full.display()
            ),
            mend: "write four slashes and the whole path".to_owned(),
        });
    }
    Ok(Parsed { url: DatabaseUrl::Sqlite { path: full }, warnings })
}

fn mariadb(rest: &str) -> Result<Parsed, Refusal> {
    // Up to the first @, as SQLAlchemy does: a / or # in a password is read, an @ is not.
    let (login, address) = rest.split_once('@').unwrap_or(("", rest));
    let (address, query) = address.split_once('?').unwrap_or((address, ""));
    if address.contains('@') {
        return refuse(
            "the password holds an @ that is not encoded, so its rest would be taken for the host",
            encoded_forms(whole_password(rest)),
        );
    }
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let mut warnings = special_characters(user, password);
    let (host_and_port, database) = address.split_once('/').unwrap_or((address, ""));
    let (host, port) = host_and_port_of(host_and_port)?;
    if database.is_empty() {
        return refuse("the address names no database", "put its name at the end, as in `…@HOST/glance`");
    }
    if user.is_empty() {
        return refuse("the address names no account", FORM);
    }
    let ssl_ca = query_options(query, &mut warnings)?;
    let url = DatabaseUrl::Mariadb {
        host,
        port,
        user: decoded(user),
        password: Secret::new(decoded(password)),
        database: decoded(database),
        ssl_ca,
    };
    Ok(Parsed { url, warnings })
}

fn host_and_port_of(text: &str) -> Result<(String, u16), Refusal> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let host = if host.is_empty() { "localhost" } else { host };
    let port = match port.filter(|port| !port.is_empty()) {
        None => DEFAULT_PORT,
        Some(port) => match port.parse() {
            Ok(port) if port > 0 => port,
            _ => {
                return refuse(
                    format!("\"{port}\" after the host is not a port"),
                    "write a number, such as 3306",
                );
            }
        },
    };
    Ok((host.to_owned(), port))
}

fn query_options(query: &str, warnings: &mut Vec<Refusal>) -> Result<Option<PathBuf>, Refusal> {
    let mut ssl_ca = None;
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match key.as_ref() {
            "ssl_ca" => ssl_ca = Some(absolute(Path::new(value.as_ref()))),
            // The tables decide the character set; the rest is tuning of a Python driver.
            "charset" | "use_unicode" | "binary_prefix" | "plugin" | "read_timeout" | "write_timeout"
            | "connect_timeout" | "autocommit" | "ssl" | "ssl_check_hostname" | "ssl_verify_cert" => {}
            "read_default_file" | "read_default_group" | "unix_socket" | "ssl_cert" | "ssl_key" => {
                return refuse(
                    format!("{key} in the address cannot be honoured"),
                    "write host, account and password into the address",
                );
            }
            key => warnings.push(Refusal {
                what: format!("{key} in the address has no effect"),
                mend: "remove it".to_owned(),
            }),
        }
    }
    Ok(ssl_ca)
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The password as it was meant: up to the last @.
fn whole_password(rest: &str) -> &str {
    let login = rest.rsplit_once('@').map_or(rest, |(login, _)| login);
    login.split_once(':').map_or(login, |(_, password)| password)
}

/// Characters that read well here and not elsewhere: the same file may serve other programs.
fn special_characters(user: &str, password: &str) -> Vec<Refusal> {
    let mut warnings = Vec::new();
    if password.contains([':', '/', '#', '?']) {
        warnings.push(Refusal {
            what: "the password holds characters that should be encoded in an address".to_owned(),
            mend: encoded_forms(password),
        });
    }
    let broken = |text: &str| {
        text.split('%').skip(1).any(|rest| {
            let mut digits = rest.chars().take(2);
            !(digits.next().is_some_and(|c| c.is_ascii_hexdigit())
                && digits.next().is_some_and(|c| c.is_ascii_hexdigit()))
        })
    };
    if broken(user) || broken(password) {
        warnings.push(Refusal {
            what: "the password holds a % that begins no encoded character".to_owned(),
            mend: "write %25 for % in the password".to_owned(),
        });
    }
    warnings
}

/// Which characters of a password to write how; never the password.
fn encoded_forms(password: &str) -> String {
    let forms = [('@', "%40"), (':', "%3A"), ('/', "%2F"), ('#', "%23"), ('?', "%3F")];
    let found = forms.iter().filter(|(character, _)| password.contains(*character));
    let pairs: Vec<String> = found.map(|(character, form)| format!("{form} for {character}")).collect();
    format!("write {} in the password", pairs.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maria(text: &str) -> (String, u16, String, String, String) {
        match parse(text).unwrap().url {
            DatabaseUrl::Mariadb { host, port, user, password, database, .. } => {
                (host, port, user, password.expose().to_owned(), database)
            }
            DatabaseUrl::Sqlite { .. } => panic!("{text}"),
        }
    }

    fn parts(host: &str, port: u16, password: &str) -> (String, u16, String, String, String) {
        (host.into(), port, "glance".into(), password.into(), "glance".into())
    }

    #[test]
    fn every_driver_of_mysql_is_one() {
        for scheme in ["mysql", "mysql+pymysql", "mysql+mysqldb", "mariadb", "mariadb+pymysql"] {
            let url = format!("{scheme}://glance:Password123$@controller/glance?charset=utf8");
            assert_eq!(maria(&url), parts("controller", 3306, "Password123$"), "{scheme}");
        }
    }

    #[test]
    fn ports_ipv6_and_encoded_passwords_are_read() {
        assert_eq!(maria("mysql://glance:a%40b%2Fc@[::1]:3307/glance"), parts("::1", 3307, "a@b/c"));
        assert_eq!(maria("mysql://glance:a+b@/glance"), parts("localhost", 3306, "a+b"));
    }

    #[test]
    fn an_at_sign_in_a_password_is_refused_with_its_encoded_form() {
        for text in ["mysql://glance:pa@ss@controller/glance", "mysql://glance:p@s/s@controller/glance"] {
            let refusal = parse(text).unwrap_err();
            assert!(refusal.mend.contains("%40 for @"), "{refusal:?}");
            assert!(!refusal.mend.contains("pa@ss") && !refusal.what.contains("pa@ss"));
        }
        assert_eq!(
            parse("mysql://glance:p@s/s@controller/glance").unwrap_err().mend,
            "write %40 for @ and %2F for / in the password"
        );
    }

    #[test]
    fn other_characters_are_read_and_named() {
        let parsed = parse("mysql://glance:a:b/c#d@controller/glance").unwrap();
        assert_eq!(maria("mysql://glance:a:b/c#d@controller/glance"), parts("controller", 3306, "a:b/c#d"));
        assert_eq!(parsed.warnings[0].mend, "write %3A for : and %2F for / and %23 for # in the password");
        assert_eq!(
            parse("mysql://glance:100%@h/d").unwrap().warnings[0].mend,
            "write %25 for % in the password"
        );
    }

    #[test]
    fn what_cannot_work_is_refused_in_words() {
        let what = |text: &str| parse(text).unwrap_err().what;
        assert!(what("postgresql://g:p@h/d").starts_with("PostgreSQL is not supported"));
        assert_eq!(what("mysql://g:p@h"), "the address names no database");
        assert_eq!(what("mysql://h/d"), "the address names no account");
        assert_eq!(what("mysql://g:p@h:x/d"), "\"x\" after the host is not a port");
        assert_eq!(what("controller/glance"), "this is not the address of a database");
        assert_eq!(
            what("mysql://g:p@h/d?read_default_file=/x"),
            "read_default_file in the address cannot be honoured"
        );
        assert!(what("sqlite://").contains("lost"));
    }

    #[test]
    fn sqlite_takes_three_or_four_slashes() {
        let four = parse("sqlite:////var/lib/glance/glance.sqlite").unwrap();
        assert_eq!(four.url, DatabaseUrl::Sqlite { path: "/var/lib/glance/glance.sqlite".into() });
        assert!(four.warnings.is_empty());
        let three = parse("sqlite:///glance.sqlite").unwrap();
        assert_eq!(
            three.url,
            DatabaseUrl::Sqlite { path: std::env::current_dir().unwrap().join("glance.sqlite") }
        );
        assert_eq!(three.warnings.len(), 1);
    }

    #[test]
    fn the_password_is_never_shown() {
        assert_eq!(
            masked("mysql://glance:p@s/s@controller/glance?a=b"),
            "mysql://glance:***@controller/glance"
        );
        assert_eq!(masked("sqlite:////a/b"), "sqlite:////a/b");
    }
}
