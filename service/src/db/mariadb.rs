//! MariaDB and MySQL: the only file that names their driver.

use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use mysql::consts::CapabilityFlags;
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder, Params, SslOpts};

use super::connection::{Cell, Cells, Connection, Row, Value};
use super::door::Session;
use super::{DbError, Dialect};
use crate::config::Secret;

const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// Longer than the server's own wait for a row lock (50 s), so that the server's answer comes first.
const ANSWER_WAIT: Duration = Duration::from_mins(2);
const CACHED_STATEMENTS: usize = 128;

/// Where the server is and who we are there.
#[derive(Debug, Clone)]
pub struct Account {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Secret,
    pub database: String,
    pub ssl_ca: Option<PathBuf>,
    pub sql_mode: String,
}

pub struct Mariadb {
    connection: Conn,
    in_transaction: bool,
}

impl Mariadb {
    pub fn connect(account: &Account) -> Result<Self, DbError> {
        let connection = Conn::new(options(account)).map_err(|error| refused(account, error))?;
        Ok(Self { connection, in_transaction: false })
    }
}

fn options(account: &Account) -> OptsBuilder {
    let tls = account.ssl_ca.clone().map(|certificate| {
        // The driver asks for the process's TLS provider; the first one that is installed stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        SslOpts::default().with_root_cert_path(Some(certificate))
    });
    OptsBuilder::new()
        .ip_or_hostname(Some(&account.host))
        .tcp_port(account.port)
        .user(Some(&account.user))
        .pass(Some(account.password.expose()))
        .db_name(Some(&account.database))
        .prefer_socket(false)
        .tcp_connect_timeout(Some(CONNECT_WAIT))
        .read_timeout(Some(ANSWER_WAIT))
        .write_timeout(Some(ANSWER_WAIT))
        .stmt_cache_size(CACHED_STATEMENTS)
        // Rows that an UPDATE matched count, also when it changed nothing in them.
        .additional_capabilities(CapabilityFlags::CLIENT_FOUND_ROWS)
        .init(session_settings(account))
        .ssl_opts(tls)
}

fn session_settings(account: &Account) -> Vec<String> {
    let sql_mode = account.sql_mode.replace(['\'', '\\'], "");
    vec![
        "SET NAMES utf8".to_owned(),
        format!("SET SESSION sql_mode = '{sql_mode}', time_zone = '+00:00', autocommit = 1"),
    ]
}

impl Connection for Mariadb {
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, DbError> {
        let result = self.connection.exec_iter(sql, parameters(values)).map_err(translate)?;
        Ok(result.affected_rows())
    }

    fn query(
        &mut self,
        sql: &str,
        values: &[Value],
        row: &mut dyn FnMut(&Row<'_>) -> Result<(), DbError>,
    ) -> Result<(), DbError> {
        for found in self.connection.exec_iter(sql, parameters(values)).map_err(translate)? {
            row(&Row(&found.map_err(translate)?))?;
        }
        Ok(())
    }

    fn last_insert_id(&self) -> i64 {
        i64::try_from(self.connection.last_insert_id()).unwrap_or(i64::MAX)
    }

    fn dialect(&self) -> Dialect {
        Dialect::Mariadb
    }
}

impl Session for Mariadb {
    fn begin(&mut self) -> Result<(), DbError> {
        self.in_transaction = true;
        self.connection.query_drop("START TRANSACTION").map_err(translate)
    }

    fn commit(&mut self) -> Result<(), DbError> {
        self.connection.query_drop("COMMIT").map_err(translate)?;
        self.in_transaction = false;
        Ok(())
    }

    fn rollback(&mut self) -> Result<(), DbError> {
        if self.in_transaction {
            self.connection.query_drop("ROLLBACK").map_err(translate)?;
            self.in_transaction = false;
        }
        Ok(())
    }

    fn server(&mut self) -> Result<String, DbError> {
        let version: Option<String> = self.connection.query_first("SELECT VERSION()").map_err(translate)?;
        let version = version.unwrap_or_default();
        let (number, flavour) = version.split_once('-').unwrap_or((&version, ""));
        let name = if flavour.contains("MariaDB") { "MariaDB" } else { "MySQL" };
        Ok(format!("{name} {number}"))
    }
}

impl Cells for mysql::Row {
    fn cell(&self, column: usize) -> Result<Cell<'_>, DbError> {
        let value =
            self.as_ref(column).ok_or_else(|| DbError::other(format!("an answer has no column {column}")))?;
        match value {
            mysql::Value::NULL => Ok(Cell::Null),
            mysql::Value::Int(number) => Ok(Cell::Integer(*number)),
            mysql::Value::UInt(number) => i64::try_from(*number).map(Cell::Integer).map_err(DbError::other),
            mysql::Value::Bytes(bytes) => std::str::from_utf8(bytes).map(Cell::Text).map_err(DbError::other),
            mysql::Value::Date(..) => time_of(value).map(Cell::Time),
            mysql::Value::Float(_) | mysql::Value::Double(_) | mysql::Value::Time(..) => {
                Err(DbError::other(format!("column {column} of an answer holds {value:?}")))
            }
        }
    }
}

fn time_of(value: &mysql::Value) -> Result<jiff::Timestamp, DbError> {
    let mysql::Value::Date(year, month, day, hour, minute, second, micros) = *value else {
        return Err(DbError::other(format!("{value:?} is no time")));
    };
    let small = |number: u8| i8::try_from(number).map_err(DbError::other);
    let civil = DateTime::new(
        i16::try_from(year).map_err(DbError::other)?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        i32::try_from(u64::from(micros) * 1000).map_err(DbError::other)?,
    );
    // `0000-00-00 00:00:00` is a value of the engine that is no time.
    TimeZone::UTC.to_timestamp(civil.map_err(DbError::other)?).map_err(DbError::other)
}

fn parameters(values: &[Value]) -> Params {
    if values.is_empty() {
        return Params::Empty;
    }
    Params::Positional(values.iter().map(parameter).collect())
}

fn parameter(value: &Value) -> mysql::Value {
    match value {
        Value::Null => mysql::Value::NULL,
        Value::Integer(number) => mysql::Value::Int(*number),
        Value::Text(text) => mysql::Value::Bytes(text.clone().into_bytes()),
        // Sent as text: the driver's own form of a date has unsigned fields that each need a conversion.
        Value::Time(time) => mysql::Value::Bytes(time.strftime("%Y-%m-%d %H:%M:%S").to_string().into_bytes()),
    }
}

/// Server error numbers that mean something to us.
mod number {
    pub const DISK_FULL: u16 = 1021;
    pub const READ_ONLY_FILE: u16 = 1036;
    pub const TABLE_FULL: u16 = 1114;
    pub const DATABASE_ACCESS_DENIED: u16 = 1044;
    pub const ACCESS_DENIED: u16 = 1045;
    pub const UNKNOWN_DATABASE: u16 = 1049;
    pub const RECORD_CHANGED: u16 = 1020;
    pub const SHUTDOWN: u16 = 1053;
    pub const DUPLICATE: u16 = 1062;
    pub const HOST_REFUSED: u16 = 1130;
    pub const READ_ONLY_SERVER: u16 = 1290;
    pub const INVALID_CHARACTERS: u16 = 1300;
    pub const WRONG_VALUE: u16 = 1366;
    pub const TOO_LONG: u16 = 1406;
    pub const NO_INDEX: u16 = 1176;
    pub const LOCK_WAIT: u16 = 1205;
    pub const DEADLOCK: u16 = 1213;
    pub const DUPLICATE_NAMED: u16 = 1586;
    pub const ACCESS_DENIED_NO_PASSWORD: u16 = 1698;
    pub const CONNECTION_KILLED: u16 = 1927;
}

fn translate(error: mysql::Error) -> DbError {
    match error {
        mysql::Error::MySqlError(server) => match server.code {
            number::DUPLICATE | number::DUPLICATE_NAMED => DbError::Duplicate,
            number::DEADLOCK | number::LOCK_WAIT | number::RECORD_CHANGED => DbError::Busy,
            number::INVALID_CHARACTERS | number::WRONG_VALUE | number::TOO_LONG => {
                DbError::Unstorable(server.message)
            }
            number::NO_INDEX => DbError::NoIndex(server.message),
            number::DISK_FULL | number::TABLE_FULL | number::READ_ONLY_FILE | number::READ_ONLY_SERVER => {
                DbError::Unwritable(Box::new(server))
            }
            number::SHUTDOWN | number::CONNECTION_KILLED => DbError::Lost(Box::new(server)),
            _ => DbError::other(server),
        },
        mysql::Error::IoError(source) => DbError::Lost(Box::new(source)),
        other if other.is_connectivity_error() => DbError::Lost(other.to_string().into()),
        other => DbError::other(other.to_string()),
    }
}

/// Why a connection could not be made.
fn refused(account: &Account, error: mysql::Error) -> DbError {
    let mysql::Error::MySqlError(server) = error else {
        let reason = error.to_string();
        return DbError::Unreachable { host: account.host.clone(), port: account.port, reason };
    };
    match server.code {
        number::ACCESS_DENIED | number::ACCESS_DENIED_NO_PASSWORD => denied(account, server.message, None),
        number::DATABASE_ACCESS_DENIED => denied(account, server.message, Some(account.database.clone())),
        number::HOST_REFUSED => {
            // `Host '10.0.0.31' is not allowed to connect to this MariaDB server`
            let host = server.message.split('\'').nth(1).unwrap_or("?");
            let seen = format!("'{}'@'{host}'", account.user);
            DbError::AccessDenied { account: seen, database: None, reason: server.message }
        }
        number::UNKNOWN_DATABASE => DbError::UnknownDatabase { name: account.database.clone() },
        _ => {
            let reason = server.to_string();
            DbError::Unreachable { host: account.host.clone(), port: account.port, reason }
        }
    }
}

/// The server says whom it took us for: `Access denied for user 'glance'@'controller' (…)`.
fn denied(account: &Account, message: String, database: Option<String>) -> DbError {
    let seen = message
        .split_once("for user ")
        .and_then(|(_, rest)| rest.split(' ').next())
        .map_or_else(|| account.user.clone(), str::to_owned);
    DbError::AccessDenied { account: seen, database, reason: message }
}
