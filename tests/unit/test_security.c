/* Security descriptors: SIDs, access lists, both forms of a descriptor, damaged ones. */
#include "ke_test.h"

typedef union {
    SID sid;
    UCHAR room[32];
} SID_ROOM;

static void make_sid(SID_ROOM *sid, ULONG rid)
{
    SID_IDENTIFIER_AUTHORITY authority = { SECURITY_NT_AUTHORITY };

    assert_int_equal(RtlInitializeSid(sid, &authority, 1), STATUS_SUCCESS);
    *RtlSubAuthoritySid(sid, 0) = rid;
}

static void sids(void **state)
{
    SID_ROOM a, b;

    (void)state;
    make_sid(&a, 18);
    make_sid(&b, 19);
    assert_true(RtlValidSid(&a));
    assert_int_equal(RtlLengthSid(&a), 12);
    assert_int_equal(RtlLengthRequiredSid(2), 16);
    assert_false(RtlEqualSid(&a, &b));
    assert_int_equal(RtlCopySid(11, &b, &a), STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(RtlCopySid(12, &b, &a), STATUS_SUCCESS);
    assert_true(RtlEqualSid(&a, &b));
    b.sid.SubAuthorityCount = 16;
    assert_false(RtlValidSid(&b));
    assert_false(RtlEqualSid(&a, &b)); /* of another length */
    b.sid.SubAuthorityCount = 1;
    b.sid.Revision = 2;
    assert_false(RtlValidSid(&b));
    assert_false(RtlValidSid(NULL));
    assert_int_equal(RtlInitializeSid(&b, &a.sid.IdentifierAuthority, 16),
                     STATUS_INVALID_PARAMETER);
}

static void descriptors(void **state)
{
    struct {
        ACL acl;
        UCHAR room[40];
    } list;
    SECURITY_DESCRIPTOR absolute;
    PSECURITY_DESCRIPTOR made;
    SECURITY_SUBJECT_CONTEXT subject;
    GENERIC_MAPPING mapping = { 0 };
    SID_ROOM sid;
    BOOLEAN present, defaulted;
    PACL dacl;
    ULONG length;

    (void)state;
    make_sid(&sid, 18);
    assert_int_equal(RtlCreateAcl(&list.acl, sizeof list, ACL_REVISION), STATUS_SUCCESS);
    assert_int_equal(RtlAddAccessAllowedAce(&list.acl, ACL_REVISION, 0x1f01ff, &sid),
                     STATUS_SUCCESS);
    assert_int_equal(RtlAddAccessAllowedAce(&list.acl, ACL_REVISION, 1, &sid), STATUS_SUCCESS);
    assert_int_equal(RtlAddAccessAllowedAce(&list.acl, ACL_REVISION, 1, &sid),
                     STATUS_ALLOTTED_SPACE_EXCEEDED);
    assert_int_equal(RtlCreateSecurityDescriptor(&absolute, 2), STATUS_UNKNOWN_REVISION);
    assert_int_equal(RtlCreateSecurityDescriptor(&absolute, SECURITY_DESCRIPTOR_REVISION),
                     STATUS_SUCCESS);
    assert_int_equal(RtlLengthSecurityDescriptor(&absolute), sizeof absolute);
    assert_int_equal(RtlSetDaclSecurityDescriptor(&absolute, TRUE, &list.acl, FALSE),
                     STATUS_SUCCESS);
    assert_true(RtlValidSecurityDescriptor(&absolute));
    SeCaptureSubjectContext(&subject);
    assert_int_equal(SeAssignSecurity(NULL, &absolute, &made, FALSE, &subject, &mapping, PagedPool),
                     STATUS_SUCCESS);
    SeReleaseSubjectContext(&subject);
    length = RtlLengthSecurityDescriptor(made);
    assert_int_equal(length, 20 + 12 + 12 + list.acl.AclSize);
    assert_true(SeValidSecurityDescriptor(length, made));
    for (ULONG less = 0; less < length; less++)
        assert_false(SeValidSecurityDescriptor(less, made));
    assert_int_equal(RtlGetDaclSecurityDescriptor(made, &present, &dacl, &defaulted),
                     STATUS_SUCCESS);
    assert_true(present);
    assert_memory_equal(dacl, &list, list.acl.AclSize);
    ((PISECURITY_DESCRIPTOR_RELATIVE)made)->Dacl = length;
    assert_false(SeValidSecurityDescriptor(length, made));
    assert_int_equal(SeDeassignSecurity(&made), STATUS_SUCCESS);
    assert_null(made);
}

static void damaged_lists(void **state)
{
    struct {
        ACL acl;
        ACE_HEADER ace;
    } list = { { ACL_REVISION, 0, 12, 1, 0 }, { 0, 0, 0 } };
    SECURITY_DESCRIPTOR absolute;

    (void)state;
    RtlCreateSecurityDescriptor(&absolute, SECURITY_DESCRIPTOR_REVISION);
    RtlSetDaclSecurityDescriptor(&absolute, TRUE, &list.acl, FALSE);
    assert_false(RtlValidSecurityDescriptor(&absolute));
    list.ace.AceSize = 5;
    assert_false(RtlValidSecurityDescriptor(&absolute));
    list.ace.AceSize = 4;
    assert_true(RtlValidSecurityDescriptor(&absolute));
}

/* What is no list, and what a list does not take. */
static void refused_lists(void **state)
{
    struct {
        ACL acl;
        UCHAR room[40];
    } list;
    SID_ROOM sid;

    (void)state;
    make_sid(&sid, 18);
    assert_int_equal(RtlCreateAcl(&list.acl, sizeof(ACL) - 1, ACL_REVISION),
                     STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(RtlCreateAcl(&list.acl, 0x10000, ACL_REVISION), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlCreateAcl(&list.acl, sizeof list, 1), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlCreateAcl(&list.acl, sizeof list, 5), STATUS_INVALID_PARAMETER);
    assert_int_equal(RtlCreateAcl(&list.acl, sizeof list, ACL_REVISION2), STATUS_SUCCESS);
    assert_int_equal(RtlAddAccessAllowedAce(&list.acl, ACL_REVISION4, 1, &sid), STATUS_SUCCESS);
    assert_int_equal(list.acl.AclRevision, ACL_REVISION4);
    assert_int_equal(RtlAddAccessAllowedAce(&list.acl, ACL_REVISION4 + 1, 1, &sid),
                     STATUS_REVISION_MISMATCH);
    list.acl.AclSize = sizeof(ACL) + 3; /* its one entry is outside of it */
    assert_int_equal(RtlAddAccessAllowedAce(&list.acl, ACL_REVISION, 1, &sid), STATUS_INVALID_ACL);
    sid.sid.SubAuthorityCount = 16;
    assert_int_equal(RtlAddAccessAllowedAce(&list.acl, ACL_REVISION, 1, &sid), STATUS_INVALID_SID);
    sid.sid.SubAuthorityCount = 1;
    sid.sid.Revision = 0;
    assert_int_equal(RtlAddAccessAllowedAce(&list.acl, ACL_REVISION, 1, &sid), STATUS_INVALID_SID);
    assert_int_equal(list.acl.AceCount, 1);
}

/* A descriptor is refused for each of its parts. */
static void damaged_descriptors(void **state)
{
    ACL empty = { ACL_REVISION, 0, sizeof empty, 0, 0 }, no_list = { ACL_REVISION, 0, 7, 0, 0 };
    SECURITY_DESCRIPTOR d;
    SID_ROOM good, bad;

    (void)state;
    make_sid(&good, 18);
    make_sid(&bad, 18);
    bad.sid.Revision = 9;
    assert_false(RtlValidSecurityDescriptor(NULL));
    RtlCreateSecurityDescriptor(&d, SECURITY_DESCRIPTOR_REVISION);
    assert_true(RtlValidSecurityDescriptor(&d));
    d.Owner = &bad;
    assert_false(RtlValidSecurityDescriptor(&d));
    d.Owner = &good;
    d.Group = &bad;
    assert_false(RtlValidSecurityDescriptor(&d));
    d.Group = &good;
    d.Sacl = &no_list;
    assert_true(RtlValidSecurityDescriptor(&d)); /* not marked as present */
    d.Control |= SE_SACL_PRESENT;
    assert_false(RtlValidSecurityDescriptor(&d));
    d.Sacl = &empty;
    assert_true(RtlValidSecurityDescriptor(&d));
    d.Dacl = &no_list;
    d.Control |= SE_DACL_PRESENT;
    assert_false(RtlValidSecurityDescriptor(&d));
    d.Dacl = &empty;
    assert_true(RtlValidSecurityDescriptor(&d));
    d.Revision = 2;
    assert_false(RtlValidSecurityDescriptor(&d));
}

static void setting_and_reading(void **state)
{
    ACL list = { ACL_REVISION, 0, sizeof list, 0, 0 };
    SECURITY_DESCRIPTOR d;
    BOOLEAN present, defaulted;
    SID_ROOM sid;
    PACL found;

    (void)state;
    make_sid(&sid, 18);
    RtlCreateSecurityDescriptor(&d, SECURITY_DESCRIPTOR_REVISION);
    assert_int_equal(RtlSetOwnerSecurityDescriptor(&d, &sid, TRUE), STATUS_SUCCESS);
    assert_ptr_equal(d.Owner, &sid);
    assert_int_equal(d.Control, SE_OWNER_DEFAULTED);
    assert_int_equal(RtlSetOwnerSecurityDescriptor(&d, NULL, FALSE), STATUS_SUCCESS);
    assert_int_equal(d.Control, 0);
    assert_null(d.Owner);
    assert_int_equal(RtlSetDaclSecurityDescriptor(&d, TRUE, &list, TRUE), STATUS_SUCCESS);
    assert_int_equal(RtlGetDaclSecurityDescriptor(&d, &present, &found, &defaulted),
                     STATUS_SUCCESS);
    assert_true(present && defaulted);
    assert_ptr_equal(found, &list);
    assert_int_equal(RtlSetDaclSecurityDescriptor(&d, FALSE, &list, TRUE), STATUS_SUCCESS);
    found = NULL;
    assert_int_equal(RtlGetDaclSecurityDescriptor(&d, &present, &found, &defaulted),
                     STATUS_SUCCESS);
    assert_false(present);
    assert_null(found);
    d.Control |= SE_SELF_RELATIVE; /* cannot be changed in place */
    assert_int_equal(RtlSetOwnerSecurityDescriptor(&d, &sid, FALSE), STATUS_INVALID_SECURITY_DESCR);
    assert_int_equal(RtlSetDaclSecurityDescriptor(&d, TRUE, &list, FALSE),
                     STATUS_INVALID_SECURITY_DESCR);
    d.Revision = 9;
    assert_int_equal(RtlSetOwnerSecurityDescriptor(&d, &sid, FALSE), STATUS_UNKNOWN_REVISION);
    assert_int_equal(RtlSetDaclSecurityDescriptor(&d, TRUE, &list, FALSE), STATUS_UNKNOWN_REVISION);
    assert_int_equal(RtlGetDaclSecurityDescriptor(&d, &present, &found, &defaulted),
                     STATUS_UNKNOWN_REVISION);
}

static PSECURITY_DESCRIPTOR assign(PSECURITY_DESCRIPTOR parent, PSECURITY_DESCRIPTOR explicit,
                                   NTSTATUS expected)
{
    SECURITY_SUBJECT_CONTEXT subject;
    GENERIC_MAPPING mapping = { 0 };
    PSECURITY_DESCRIPTOR made;

    SeCaptureSubjectContext(&subject);
    assert_int_equal(
        SeAssignSecurity(parent, explicit, &made, FALSE, &subject, &mapping, PagedPool), expected);
    SeReleaseSubjectContext(&subject);
    return made;
}

/* The explicit parts come first, then the parent's, then the subject's. */
static void inheritance(void **state)
{
    ACL list = { ACL_REVISION, 0, sizeof list, 0, 0 };
    SECURITY_DESCRIPTOR parent, own;
    PISECURITY_DESCRIPTOR_RELATIVE made;
    SID_ROOM theirs, mine, system;

    (void)state;
    make_sid(&system, SECURITY_LOCAL_SYSTEM_RID);
    make_sid(&theirs, 1);
    make_sid(&mine, 2);
    RtlCreateSecurityDescriptor(&parent, SECURITY_DESCRIPTOR_REVISION);
    RtlCreateSecurityDescriptor(&own, SECURITY_DESCRIPTOR_REVISION);
    parent.Owner = parent.Group = &theirs;
    own.Owner = own.Group = &mine;
    own.Sacl = &list;
    own.Control = SE_SACL_PRESENT;
    parent.Dacl = &list;
    parent.Control = SE_DACL_PRESENT;
    made = assign(&parent, &own, STATUS_SUCCESS);
    assert_true(RtlEqualSid((PUCHAR)made + made->Owner, &mine));
    assert_true(RtlEqualSid((PUCHAR)made + made->Group, &mine));
    assert_int_equal(made->Control, SE_SELF_RELATIVE | SE_SACL_PRESENT | SE_DACL_PRESENT);
    assert_memory_equal((PUCHAR)made + made->Sacl, &list, sizeof list);
    assert_memory_equal((PUCHAR)made + made->Dacl, &list, sizeof list);
    assert_true(SeValidSecurityDescriptor(RtlLengthSecurityDescriptor(made), made));
    SeDeassignSecurity((PSECURITY_DESCRIPTOR *)&made);
    made = assign(&parent, NULL, STATUS_SUCCESS);
    assert_true(RtlEqualSid((PUCHAR)made + made->Owner, &theirs));
    assert_true(RtlEqualSid((PUCHAR)made + made->Group, &theirs));
    SeDeassignSecurity((PSECURITY_DESCRIPTOR *)&made);
    made = assign(NULL, NULL, STATUS_SUCCESS);
    assert_true(RtlEqualSid((PUCHAR)made + made->Owner, &system));
    assert_int_equal(made->Control, SE_SELF_RELATIVE);
    made->Control = 0;
    assert_false(SeValidSecurityDescriptor(sizeof *made, made)); /* only the relative form */
    made->Revision = 9;
    assert_false(SeValidSecurityDescriptor(sizeof *made, made));
    SeDeassignSecurity((PSECURITY_DESCRIPTOR *)&made);
    assert_int_equal(SeDeassignSecurity((PSECURITY_DESCRIPTOR *)&made), STATUS_SUCCESS);
    own.Revision = 9;
    assert_null(assign(&parent, &own, STATUS_INVALID_SECURITY_DESCR));
    assert_null(assign(&own, NULL, STATUS_INVALID_SECURITY_DESCR));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sids),
        cmocka_unit_test(descriptors),
        cmocka_unit_test(damaged_lists),
        cmocka_unit_test(refused_lists),
        cmocka_unit_test(damaged_descriptors),
        cmocka_unit_test(setting_and_reading),
        cmocka_unit_test(inheritance),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
