//! The table of rules: one line for each. The enforcer, the sample file and the page for operators are made of it.
//!
//! Nothing is decided here; how a check is read is [`super::language`]'s, how it is asked [`super::Enforcer`]'s.

/// Whose tokens a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Any token; mostly building blocks of other rules.
    Any,
    /// Project tokens only: tokens of the system or of a domain are refused whatever the check says.
    Project,
}

/// Everything that is known of a rule before an operator changes it.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    pub rule: Rule,
    pub name: &'static str,
    /// The check, unless the policy file has one.
    pub check: &'static str,
    pub scope: Scope,
    /// The check of older releases, OR-ed in with `enforce_new_defaults = False`.
    pub old_check: Option<&'static str>,
    /// The calls of the reference that ask this rule. Those of this service are in its route table.
    pub operations: &'static [&'static str],
    pub sentence: &'static str,
}

const ADMIN: &str = "rule:context_is_admin";
const METADEF_ADMIN: &str = "rule:metadef_admin";
const MEMBER: &str = "rule:context_is_admin or (role:member and project_id:%(project_id)s)";
const MEMBER_AS_OWNER: &str =
    "rule:context_is_admin or (role:member and project_id:%(project_id)s and project_id:%(owner)s)";
const READER: &str = "rule:context_is_admin or (role:reader and project_id:%(project_id)s)";
const READER_WHO_SEES: &str = "rule:context_is_admin or (role:reader and (project_id:%(project_id)s \
     or project_id:%(member_id)s or 'community':%(visibility)s or 'public':%(visibility)s \
     or 'shared':%(visibility)s))";
const MEMBER_WHO_SEES: &str = "rule:context_is_admin or (role:member and (project_id:%(project_id)s \
     or project_id:%(member_id)s or 'community':%(visibility)s or 'public':%(visibility)s \
     or 'shared':%(visibility)s))";
const SHARER: &str =
    "rule:context_is_admin or role:reader and (project_id:%(project_id)s or project_id:%(member_id)s)";
const METADEF_READER: &str =
    "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))";

// Older releases let `default` pass and looked at the owner in code; here that is part of the old check.
const OLD: Option<&str> = Some("rule:default");
const OLD_OWNER: Option<&str> = Some("rule:default and (rule:context_is_admin or project_id:%(project_id)s)");
const OLD_CREATOR: Option<&str> = Some("rule:default and (rule:context_is_admin or project_id:%(owner)s)");
const OLD_MEMBER: Option<&str> = Some("rule:default and (rule:context_is_admin or project_id:%(member_id)s)");
const OLD_ADMIN: Option<&str> = Some(ADMIN);
const OLD_CACHE: Option<&str> = Some("rule:manage_image_cache");
const OLD_METADEF: Option<&str> = Some("rule:metadef_default");

macro_rules! rules {
    ($($variant:ident, $name:literal, $check:expr, $scope:ident, $old:expr, [$($operation:literal),*], $sentence:literal;)+) => {
        /// One question that an operator may answer anew in the policy file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Rule { $($variant),+ }

        /// The table, in the order of [`Rule`].
        pub const DEFINITIONS: &[Definition] = &[$(Definition {
            rule: Rule::$variant, name: $name, check: $check, scope: Scope::$scope, old_check: $old,
            operations: &[$($operation),*], sentence: $sentence,
        }),+];

        impl Rule {
            pub const ALL: &[Rule] = &[$(Rule::$variant),+];

            /// The name in a policy file.
            pub const fn name(self) -> &'static str {
                match self { $(Rule::$variant => $name),+ }
            }

            pub(super) const fn scope(self) -> Scope {
                match self { $(Rule::$variant => Scope::$scope),+ }
            }
        }
    };
}

#[rustfmt::skip]
rules! {
    // variant, name, check, scope, check of older releases, operations, sentence
    Default, "default", "", Any, OLD_ADMIN, [], "What a rule says that a policy file names but nobody defines.";
    ContextIsAdmin, "context_is_admin", "role:admin", Any, None, [], "Who is an administrator; every rule that lets administrators pass follows it.";
    ServiceApi, "service_api", "role:service or role:admin", Any, None, [], "Who is another service of the cloud.";

    AddImage, "add_image", MEMBER_AS_OWNER, Project, OLD_CREATOR, ["POST /v2/images"], "Create an image; `owner` is the owner that the body asks for.";
    DeleteImage, "delete_image", MEMBER, Project, OLD_OWNER, ["DELETE /v2/images/{image_id}"], "Delete an image that is not protected.";
    GetImage, "get_image", READER_WHO_SEES, Project, OLD, ["GET /v2/images/{image_id}"], "See one image; who may not is told that there is none.";
    GetImages, "get_images", READER, Project, OLD, ["GET /v2/images"], "List images; each image of the list must pass `get_image` too.";
    ModifyImage, "modify_image", MEMBER, Project, OLD_OWNER, ["PATCH /v2/images/{image_id}", "PUT /v2/images/{image_id}/stage", "POST /v2/images/{image_id}/import", "PUT /v2/images/{image_id}/tags/{tag}", "DELETE /v2/images/{image_id}/tags/{tag}"], "Change an image or its tags, stage and import its data.";
    PublicizeImage, "publicize_image", ADMIN, Project, None, ["PATCH /v2/images/{image_id}"], "Make an image public, at its creation or later.";
    CommunitizeImage, "communitize_image", MEMBER, Project, OLD_OWNER, ["PATCH /v2/images/{image_id}"], "Make an image a community image, at its creation or later.";
    DownloadImage, "download_image", MEMBER_WHO_SEES, Project, OLD, ["GET /v2/images/{image_id}/file"], "Read the data of an image, from a store or from the cache.";
    DownloadFromStore, "download_from_store", MEMBER_WHO_SEES, Project, None, ["GET /v2/images/{image_id}/file"], "Say with `?prefer=` from which store the data shall come; asked after `download_image`.";
    UploadImage, "upload_image", MEMBER, Project, OLD_OWNER, ["PUT /v2/images/{image_id}/file"], "Send the data of an image.";
    DeleteImageLocation, "delete_image_location", ADMIN, Project, OLD_OWNER, ["PATCH /v2/images/{image_id}", "DELETE /v2/stores/{store_id}/{image_id}"], "Remove one location of an image.";
    GetImageLocation, "get_image_location", READER, Project, OLD, ["GET /v2/images/{image_id}"], "See where the data of an image lies.";
    SetImageLocation, "set_image_location", MEMBER, Project, OLD_OWNER, ["PATCH /v2/images/{image_id}"], "Add or replace locations by PATCH.";
    AddImageLocation, "add_image_location", "rule:service_api or (role:member and project_id:%(project_id)s and project_id:%(owner)s)", Project, None, ["POST /v2/images/{image_id}/locations"], "Add a location through its own call.";
    FetchImageLocation, "fetch_image_location", "rule:service_api", Project, None, ["GET /v2/images/{image_id}/locations"], "Read the locations through their own call.";
    AddMember, "add_member", MEMBER, Project, OLD_OWNER, ["POST /v2/images/{image_id}/members"], "Share an image with a project.";
    DeleteMember, "delete_member", MEMBER, Project, OLD_OWNER, ["DELETE /v2/images/{image_id}/members/{member_id}"], "Stop sharing an image with a project.";
    GetMember, "get_member", SHARER, Project, OLD, ["GET /v2/images/{image_id}/members/{member_id}"], "See one member of an image; who may not is told that there is none.";
    GetMembers, "get_members", SHARER, Project, OLD, ["GET /v2/images/{image_id}/members"], "List the members of an image; a member sees only itself.";
    ModifyMember, "modify_member", "rule:context_is_admin or (role:member and project_id:%(member_id)s)", Project, OLD_MEMBER, ["PUT /v2/images/{image_id}/members/{member_id}"], "Accept or reject an image that was shared with the own project.";
    ManageImageCache, "manage_image_cache", ADMIN, Project, None, [], "The former name of the rules for the cache; still obeyed where a policy file sets it and not the new ones.";
    Deactivate, "deactivate", MEMBER, Project, OLD_OWNER, ["POST /v2/images/{image_id}/actions/deactivate"], "Deny the data of an image to everybody but administrators.";
    Reactivate, "reactivate", MEMBER, Project, OLD_OWNER, ["POST /v2/images/{image_id}/actions/reactivate"], "Give the data of a deactivated image free again.";
    CopyImage, "copy_image", ADMIN, Project, None, ["POST /v2/images/{image_id}/import"], "Copy the data of an image into further stores (import method `copy-image`).";
    ListCachedNodes, "list_cached_nodes", ADMIN, Project, None, ["GET /v2/cache/nodes/{image_id}"], "See which nodes have an image in their cache.";

    GetTask, "get_task", "rule:default", Project, OLD, ["GET /v2/tasks/{task_id}"], "See one task; `tasks_api_access` is asked too.";
    GetTasks, "get_tasks", "rule:default", Project, OLD, ["GET /v2/tasks"], "List tasks; `tasks_api_access` is asked too.";
    AddTask, "add_task", "rule:default", Project, OLD, ["POST /v2/tasks"], "Create a task; `tasks_api_access` is asked too, an import asks neither.";
    ModifyTask, "modify_task", "rule:default", Project, None, ["DELETE /v2/tasks/{task_id}"], "Change a task; no call of this release does.";
    TasksApiAccess, "tasks_api_access", ADMIN, Project, None, ["GET /v2/tasks/{task_id}", "GET /v2/tasks", "POST /v2/tasks", "DELETE /v2/tasks/{task_id}"], "The gate of all calls for tasks.";

    MetadefDefault, "metadef_default", "", Any, None, [], "What older releases let everybody do with metadata definitions.";
    MetadefAdmin, "metadef_admin", ADMIN, Any, None, [], "Who writes metadata definitions.";
    GetMetadefNamespace, "get_metadef_namespace", METADEF_READER, Project, OLD_METADEF, ["GET /v2/metadefs/namespaces/{namespace_name}"], "See one namespace; who may not is told that there is none.";
    GetMetadefNamespaces, "get_metadef_namespaces", READER, Project, OLD_METADEF, ["GET /v2/metadefs/namespaces"], "List namespaces.";
    ModifyMetadefNamespace, "modify_metadef_namespace", METADEF_ADMIN, Project, None, ["PUT /v2/metadefs/namespaces/{namespace_name}"], "Change a namespace.";
    AddMetadefNamespace, "add_metadef_namespace", METADEF_ADMIN, Project, None, ["POST /v2/metadefs/namespaces"], "Create a namespace.";
    DeleteMetadefNamespace, "delete_metadef_namespace", METADEF_ADMIN, Project, None, ["DELETE /v2/metadefs/namespaces/{namespace_name}"], "Delete a namespace with all that it holds.";
    GetMetadefObject, "get_metadef_object", METADEF_READER, Project, OLD_METADEF, ["GET /v2/metadefs/namespaces/{namespace_name}/objects/{object_name}"], "See one object of a namespace.";
    GetMetadefObjects, "get_metadef_objects", METADEF_READER, Project, OLD_METADEF, ["GET /v2/metadefs/namespaces/{namespace_name}/objects"], "List the objects of a namespace.";
    ModifyMetadefObject, "modify_metadef_object", METADEF_ADMIN, Project, None, ["PUT /v2/metadefs/namespaces/{namespace_name}/objects/{object_name}"], "Change an object.";
    AddMetadefObject, "add_metadef_object", METADEF_ADMIN, Project, None, ["POST /v2/metadefs/namespaces/{namespace_name}/objects"], "Create an object in a namespace.";
    DeleteMetadefObject, "delete_metadef_object", METADEF_ADMIN, Project, None, ["DELETE /v2/metadefs/namespaces/{namespace_name}/objects/{object_name}"], "Delete an object.";
    ListMetadefResourceTypes, "list_metadef_resource_types", METADEF_READER, Project, OLD_METADEF, ["GET /v2/metadefs/resource_types"], "List all resource types.";
    GetMetadefResourceType, "get_metadef_resource_type", METADEF_READER, Project, OLD_METADEF, ["GET /v2/metadefs/namespaces/{namespace_name}/resource_types"], "List the resource types that a namespace is for.";
    AddMetadefResourceTypeAssociation, "add_metadef_resource_type_association", METADEF_ADMIN, Project, None, ["POST /v2/metadefs/namespaces/{namespace_name}/resource_types"], "Say that a namespace is for a resource type.";
    RemoveMetadefResourceTypeAssociation, "remove_metadef_resource_type_association", METADEF_ADMIN, Project, None, ["DELETE /v2/metadefs/namespaces/{namespace_name}/resource_types/{name}"], "Take a resource type from a namespace.";
    GetMetadefProperty, "get_metadef_property", METADEF_READER, Project, OLD_METADEF, ["GET /v2/metadefs/namespaces/{namespace_name}/properties/{property_name}"], "See one property of a namespace.";
    GetMetadefProperties, "get_metadef_properties", METADEF_READER, Project, OLD_METADEF, ["GET /v2/metadefs/namespaces/{namespace_name}/properties"], "List the properties of a namespace.";
    ModifyMetadefProperty, "modify_metadef_property", METADEF_ADMIN, Project, None, ["PUT /v2/metadefs/namespaces/{namespace_name}/properties/{property_name}"], "Change a property of a namespace.";
    AddMetadefProperty, "add_metadef_property", METADEF_ADMIN, Project, None, ["POST /v2/metadefs/namespaces/{namespace_name}/properties"], "Create a property in a namespace.";
    RemoveMetadefProperty, "remove_metadef_property", METADEF_ADMIN, Project, None, ["DELETE /v2/metadefs/namespaces/{namespace_name}/properties/{property_name}"], "Delete a property of a namespace.";
    GetMetadefTag, "get_metadef_tag", METADEF_READER, Project, OLD_METADEF, ["GET /v2/metadefs/namespaces/{namespace_name}/tags/{tag_name}"], "See one tag of a namespace.";
    GetMetadefTags, "get_metadef_tags", METADEF_READER, Project, OLD_METADEF, ["GET /v2/metadefs/namespaces/{namespace_name}/tags"], "List the tags of a namespace.";
    ModifyMetadefTag, "modify_metadef_tag", METADEF_ADMIN, Project, None, ["PUT /v2/metadefs/namespaces/{namespace_name}/tags/{tag_name}"], "Rename a tag of a namespace.";
    AddMetadefTag, "add_metadef_tag", METADEF_ADMIN, Project, None, ["POST /v2/metadefs/namespaces/{namespace_name}/tags/{tag_name}"], "Create a tag in a namespace.";
    AddMetadefTags, "add_metadef_tags", METADEF_ADMIN, Project, None, ["POST /v2/metadefs/namespaces/{namespace_name}/tags"], "Create or replace the tags of a namespace.";
    DeleteMetadefTag, "delete_metadef_tag", METADEF_ADMIN, Project, None, ["DELETE /v2/metadefs/namespaces/{namespace_name}/tags/{tag_name}"], "Delete a tag of a namespace.";
    DeleteMetadefTags, "delete_metadef_tags", METADEF_ADMIN, Project, None, ["DELETE /v2/metadefs/namespaces/{namespace_name}/tags"], "Delete all tags of a namespace.";

    CacheImage, "cache_image", ADMIN, Project, OLD_CACHE, ["PUT /v2/cache/{image_id}"], "Put an image into the queue of the cache.";
    CacheList, "cache_list", ADMIN, Project, OLD_CACHE, ["GET /v2/cache"], "See what the cache holds and what is queued for it.";
    CacheDelete, "cache_delete", ADMIN, Project, OLD_CACHE, ["DELETE /v2/cache", "DELETE /v2/cache/{image_id}"], "Take one image or all out of the cache.";
    CacheClean, "cache_clean", ADMIN, Project, None, ["POST /v2/cache/clean"], "Remove what is broken in the cache.";
    CachePrune, "cache_prune", ADMIN, Project, None, ["POST /v2/cache/prune"], "Shrink the cache to its limit.";
    StoresInfoDetail, "stores_info_detail", "rule:context_is_admin or rule:service_api", Project, OLD_ADMIN, ["GET /v2/info/stores/detail"], "See the stores with their properties.";
}

/// The rule that a policy file may still call by its former name.
pub(super) const fn former_name(rule: Rule) -> Option<Rule> {
    match rule {
        Rule::CacheImage | Rule::CacheList | Rule::CacheDelete => Some(Rule::ManageImageCache),
        _ => None,
    }
}
