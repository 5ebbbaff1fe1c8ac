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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sids),
        cmocka_unit_test(descriptors),
        cmocka_unit_test(damaged_lists),
    };

    return cmocka_run_group_tests(tests, ke_boot_two, ke_shutdown);
}
