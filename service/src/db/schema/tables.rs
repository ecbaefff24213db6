//! Glance's tables at revision `2024_1_contract01`, and the indexes that we add to them.
//!
//! Words in braces stand for what the dialects spell differently; [`statement`] fills them in.

use crate::db::Dialect;

pub struct Table {
    pub name: &'static str,
    /// What stands between the parentheses of CREATE TABLE.
    pub body: &'static str,
}

pub struct Index {
    pub name: &'static str,
    pub table: &'static str,
    pub columns: &'static str,
}

const fn table(name: &'static str, body: &'static str) -> Table {
    Table { name, body }
}

const fn index(name: &'static str, table: &'static str, columns: &'static str) -> Index {
    Index { name, table, columns }
}

/// The table that holds the revision.
pub const VERSION_TABLE: Table = table(
    "alembic_version",
    "version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)",
);

/// In an order in which each foreign key finds its table.
pub const TABLES: &[Table] = &[
    table(
        "images",
        "id VARCHAR(36) NOT NULL, name VARCHAR(255), size {size}, status VARCHAR(30) NOT NULL,
         created_at DATETIME NOT NULL, updated_at DATETIME, deleted_at DATETIME, deleted BOOLEAN NOT NULL,
         disk_format VARCHAR(20), container_format VARCHAR(20), checksum VARCHAR(32), owner VARCHAR(255),
         min_disk INTEGER NOT NULL, min_ram INTEGER NOT NULL, protected BOOLEAN DEFAULT 0 NOT NULL,
         virtual_size {size}, visibility {visibility} DEFAULT 'shared' NOT NULL,
         os_hidden BOOLEAN DEFAULT 0 NOT NULL, os_hash_algo VARCHAR(64), os_hash_value VARCHAR(128),
         PRIMARY KEY (id){image checks}",
    ),
    table(
        "image_properties",
        "id {id}, image_id VARCHAR(36) NOT NULL, name VARCHAR(255) NOT NULL, value TEXT,
         created_at DATETIME NOT NULL, updated_at DATETIME, deleted_at DATETIME, deleted BOOLEAN NOT NULL,
         PRIMARY KEY (id), FOREIGN KEY (image_id) REFERENCES images (id),
         CONSTRAINT ix_image_properties_image_id_name UNIQUE (image_id, name), CHECK (deleted IN (0, 1))",
    ),
    table(
        "image_locations",
        "id {id}, image_id VARCHAR(36) NOT NULL, value TEXT NOT NULL,
         created_at DATETIME NOT NULL, updated_at DATETIME, deleted_at DATETIME, deleted BOOLEAN NOT NULL,
         meta_data TEXT, status VARCHAR(30) DEFAULT 'active' NOT NULL,
         PRIMARY KEY (id), FOREIGN KEY (image_id) REFERENCES images (id), CHECK (deleted IN (0, 1))",
    ),
    table(
        "image_members",
        "id {id}, image_id VARCHAR(36) NOT NULL, member VARCHAR(255) NOT NULL, can_share BOOLEAN NOT NULL,
         created_at DATETIME NOT NULL, updated_at DATETIME, deleted_at DATETIME, deleted BOOLEAN NOT NULL,
         status VARCHAR(20) DEFAULT 'pending' NOT NULL,
         PRIMARY KEY (id), FOREIGN KEY (image_id) REFERENCES images (id),
         CONSTRAINT image_members_image_id_member_deleted_at_key UNIQUE (image_id, member, deleted_at),
         CHECK (can_share IN (0, 1)), CHECK (deleted IN (0, 1))",
    ),
    table(
        "image_tags",
        "id {id}, image_id VARCHAR(36) NOT NULL, value VARCHAR(255) NOT NULL,
         created_at DATETIME NOT NULL, updated_at DATETIME, deleted_at DATETIME, deleted BOOLEAN NOT NULL,
         PRIMARY KEY (id), FOREIGN KEY (image_id) REFERENCES images (id), CHECK (deleted IN (0, 1))",
    ),
    table(
        "tasks",
        "id VARCHAR(36) NOT NULL, type VARCHAR(30) NOT NULL, status VARCHAR(30) NOT NULL,
         owner VARCHAR(255) NOT NULL, expires_at DATETIME,
         created_at DATETIME NOT NULL, updated_at DATETIME, deleted_at DATETIME, deleted BOOLEAN NOT NULL,
         image_id VARCHAR(36), request_id VARCHAR(64), user_id VARCHAR(64),
         PRIMARY KEY (id), CHECK (deleted IN (0, 1))",
    ),
    table(
        "task_info",
        "task_id VARCHAR(36) NOT NULL, input TEXT, result TEXT, message TEXT,
         PRIMARY KEY (task_id), FOREIGN KEY (task_id) REFERENCES tasks (id)",
    ),
    table(
        "metadef_namespaces",
        "id {id}, namespace VARCHAR(80) NOT NULL, display_name VARCHAR(80), description TEXT,
         visibility VARCHAR(32), protected BOOLEAN, owner VARCHAR(255) NOT NULL,
         created_at DATETIME NOT NULL, updated_at DATETIME,
         PRIMARY KEY (id), CONSTRAINT uq_metadef_namespaces_namespace UNIQUE (namespace),
         CHECK (protected IN (0, 1))",
    ),
    table(
        "metadef_resource_types",
        "id {id}, name VARCHAR(80) NOT NULL, protected BOOLEAN NOT NULL,
         created_at DATETIME NOT NULL, updated_at DATETIME,
         PRIMARY KEY (id), CONSTRAINT uq_metadef_resource_types_name UNIQUE (name),
         CHECK (protected IN (0, 1))",
    ),
    table(
        "metadef_namespace_resource_types",
        "resource_type_id INTEGER NOT NULL, namespace_id INTEGER NOT NULL, properties_target VARCHAR(80),
         prefix VARCHAR(80), created_at DATETIME NOT NULL, updated_at DATETIME,
         PRIMARY KEY (resource_type_id, namespace_id),
         FOREIGN KEY (namespace_id) REFERENCES metadef_namespaces (id),
         FOREIGN KEY (resource_type_id) REFERENCES metadef_resource_types (id)",
    ),
    table(
        "metadef_objects",
        "id {id}, namespace_id INTEGER NOT NULL, name VARCHAR(80) NOT NULL, description TEXT, required TEXT,
         json_schema TEXT NOT NULL, created_at DATETIME NOT NULL, updated_at DATETIME,
         PRIMARY KEY (id), FOREIGN KEY (namespace_id) REFERENCES metadef_namespaces (id),
         CONSTRAINT uq_metadef_objects_namespace_id_name UNIQUE (namespace_id, name)",
    ),
    table(
        "metadef_properties",
        "id {id}, namespace_id INTEGER NOT NULL, name VARCHAR(80) NOT NULL, json_schema TEXT NOT NULL,
         created_at DATETIME NOT NULL, updated_at DATETIME,
         PRIMARY KEY (id), FOREIGN KEY (namespace_id) REFERENCES metadef_namespaces (id),
         CONSTRAINT uq_metadef_properties_namespace_id_name UNIQUE (namespace_id, name)",
    ),
    table(
        "metadef_tags",
        "id {id}, namespace_id INTEGER NOT NULL, name VARCHAR(80) NOT NULL,
         created_at DATETIME NOT NULL, updated_at DATETIME,
         PRIMARY KEY (id), FOREIGN KEY (namespace_id) REFERENCES metadef_namespaces (id),
         CONSTRAINT uq_metadef_tags_namespace_id_name UNIQUE (namespace_id, name)",
    ),
    table(
        "node_reference",
        "node_reference_id {big id}, node_reference_url VARCHAR(255) NOT NULL,
         PRIMARY KEY (node_reference_id),
         CONSTRAINT uq_node_reference_node_reference_url UNIQUE (node_reference_url)",
    ),
    table(
        "cached_images",
        "id {big id}, image_id VARCHAR(36) NOT NULL, last_accessed DATETIME NOT NULL,
         last_modified DATETIME NOT NULL, size BIGINT NOT NULL, hits INTEGER NOT NULL, checksum VARCHAR(32),
         node_reference_id {size} NOT NULL,
         PRIMARY KEY (id), FOREIGN KEY (node_reference_id) REFERENCES node_reference (node_reference_id),
         CONSTRAINT ix_cached_images_image_id_node_reference_id UNIQUE (image_id, node_reference_id)",
    ),
];

/// Glance's own indexes.
const INDEXES: &[Index] = &[
    index("checksum_image_idx", "images", "checksum"),
    index("ix_images_deleted", "images", "deleted"),
    index("owner_image_idx", "images", "owner"),
    index("created_at_image_idx", "images", "created_at"),
    index("updated_at_image_idx", "images", "updated_at"),
    index("visibility_image_idx", "images", "visibility"),
    index("os_hidden_image_idx", "images", "os_hidden"),
    index("os_hash_value_image_idx", "images", "os_hash_value"),
    index("ix_image_properties_deleted", "image_properties", "deleted"),
    index("ix_image_properties_image_id", "image_properties", "image_id"),
    index("ix_image_locations_deleted", "image_locations", "deleted"),
    index("ix_image_locations_image_id", "image_locations", "image_id"),
    index("ix_image_members_deleted", "image_members", "deleted"),
    index("ix_image_members_image_id", "image_members", "image_id"),
    index("ix_image_members_image_id_member", "image_members", "image_id, member"),
    index("ix_image_tags_image_id", "image_tags", "image_id"),
    index("ix_image_tags_image_id_tag_value", "image_tags", "image_id, value"),
    index("ix_tasks_deleted", "tasks", "deleted"),
    index("ix_tasks_owner", "tasks", "owner"),
    index("ix_tasks_status", "tasks", "status"),
    index("ix_tasks_type", "tasks", "type"),
    index("ix_tasks_updated_at", "tasks", "updated_at"),
    index("ix_tasks_image_id", "tasks", "image_id"),
    index("ix_metadef_namespaces_owner", "metadef_namespaces", "owner"),
    index("ix_metadef_ns_res_types_namespace_id", "metadef_namespace_resource_types", "namespace_id"),
    index("ix_metadef_objects_name", "metadef_objects", "name"),
    index("ix_metadef_properties_name", "metadef_properties", "name"),
    index("ix_metadef_tags_name", "metadef_tags", "name"),
];

/// Ours: what lists walk along instead of sorting everything, and how a filter on a property or a tag finds its
/// images. Glance neither knows nor minds them.
pub const OWN_INDEXES: &[Index] = &[
    index("glasshouse_images_created_at", "images", "{living}created_at, id"),
    index("glasshouse_images_owner", "images", "owner, {living}created_at, id"),
    index("glasshouse_images_name", "images", "{living}name, created_at, id"),
    index("glasshouse_images_size", "images", "{living}size, created_at, id"),
    index("glasshouse_images_updated_at", "images", "{living}updated_at, created_at, id"),
    index("glasshouse_images_status", "images", "{living}status, created_at, id"),
    index("glasshouse_images_disk_format", "images", "{living}disk_format, created_at, id"),
    index("glasshouse_images_container_format", "images", "{living}container_format, created_at, id"),
    index("glasshouse_images_visible", "images", "visibility, {living}created_at, id"),
    index("glasshouse_images_owner_name", "images", "owner, {living}name, created_at, id"),
    index("glasshouse_images_visible_name", "images", "visibility, {living}name, created_at, id"),
    index("glasshouse_properties_value", "image_properties", "name, value{prefix}, image_id"),
    index("glasshouse_tags_value", "image_tags", "value, image_id"),
    index("glasshouse_members_member", "image_members", "member, image_id"),
];

/// Those of Glance's that ours stand in for. An embedded database is spared them: each costs a page whenever an image is
/// made, changed or deleted, and its planner takes them where ours have the order already.
pub const REPLACED_ON_SQLITE: &[&str] = &[
    "ix_images_deleted",
    "owner_image_idx",
    "created_at_image_idx",
    "updated_at_image_idx",
    "visibility_image_idx",
    "os_hidden_image_idx",
];

/// In the columns of an index: images that were deleted are apart. SQLite leaves them out altogether, so that to delete
/// one touches half as many pages.
const LIVING: &str = "{living}";

/// Those that a database of this kind shall have.
pub fn indexes(dialect: Dialect) -> impl Iterator<Item = &'static Index> {
    let is_replaced =
        move |index: &&Index| dialect == Dialect::Sqlite && REPLACED_ON_SQLITE.contains(&index.name);
    INDEXES.iter().filter(move |index| !is_replaced(index)).chain(OWN_INDEXES)
}

impl Table {
    pub fn statement(&self, dialect: Dialect) -> String {
        // The version table is made by the migration tool, which leaves the choice to the database.
        let suffix = match dialect {
            Dialect::Mariadb if self.name != VERSION_TABLE.name => " ENGINE=InnoDB DEFAULT CHARSET=utf8",
            _ => "",
        };
        let mut body = spell(self.body, dialect);
        // MariaDB would copy the table for each index that is added to it; SQLite knows no other way.
        if dialect == Dialect::Mariadb {
            let keys = indexes(dialect)
                .filter(|index| index.table == self.name)
                .map(|index| format!(", KEY {} ({})", index.name, spell(index.columns, dialect)));
            body.extend(keys);
        }
        format!("CREATE TABLE {} ({body}){suffix}", self.name)
    }
}

impl Index {
    pub fn statement(&self, dialect: Dialect) -> String {
        let is_partial = dialect == Dialect::Sqlite && self.columns.contains(LIVING);
        let condition = if is_partial { " WHERE deleted = 0" } else { "" };
        format!("CREATE INDEX {} ON {} ({}){condition}", self.name, self.table, spell(self.columns, dialect))
    }
}

fn spell(text: &str, dialect: Dialect) -> String {
    let words = match dialect {
        Dialect::Sqlite => [
            ("{id}", "INTEGER NOT NULL"),
            ("{big id}", "INTEGER NOT NULL"),
            ("{size}", "INTEGER"),
            ("{visibility}", "VARCHAR(9)"),
            ("{image checks}", ""),
            ("{prefix}", ""),
            (LIVING, ""),
        ],
        Dialect::Mariadb => [
            ("{id}", "INTEGER NOT NULL AUTO_INCREMENT"),
            ("{big id}", "BIGINT NOT NULL AUTO_INCREMENT"),
            ("{size}", "BIGINT"),
            ("{visibility}", "ENUM('private', 'public', 'shared', 'community')"),
            // The names that the migrations leave behind.
            (
                "{image checks}",
                ", CONSTRAINT CONSTRAINT_2 CHECK (deleted IN (0, 1)), \
                 CONSTRAINT CONSTRAINT_3 CHECK (protected IN (0, 1))",
            ),
            // A TEXT cannot be indexed whole.
            ("{prefix}", "(100)"),
            (LIVING, "deleted, "),
        ],
    };
    words.iter().fold(text.to_owned(), |text, (word, spelt)| text.replace(word, spelt))
}
