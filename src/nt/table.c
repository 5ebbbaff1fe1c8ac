/*
 * table.c: RTL_GENERIC_TABLE, a splay tree of elements that also remembers the order of insertion,
 * and the splay links themselves, which some drivers use directly.
 *
 * A root is its own parent. A table's node is RTL_SPLAY_LINKS, a link in the list of insertions,
 * then the element. Even a lookup rewrites the tree, so the driver must synchronise everything
 * except the WithoutSplaying forms.
 */
#include "nt/rtlp.h"

typedef struct _NODE {
    RTL_SPLAY_LINKS Links;
    LIST_ENTRY Order;
    LONGLONG Data; /* the element begins here */
} NODE;

/* ---- splay links --------------------------------------------------------------------------- */

static BOOLEAN IsRoot(const RTL_SPLAY_LINKS *Links)
{
    return Links->Parent == Links;
}

/* Lifts a node over its parent. */
static void LiftNode(PRTL_SPLAY_LINKS Node)
{
    PRTL_SPLAY_LINKS Parent = Node->Parent, Grand = Parent->Parent;
    PRTL_SPLAY_LINKS Inner;

    if (Parent->LeftChild == Node) {
        Inner = Parent->LeftChild = Node->RightChild;
        Node->RightChild = Parent;
    } else {
        Inner = Parent->RightChild = Node->LeftChild;
        Node->LeftChild = Parent;
    }
    if (Inner)
        Inner->Parent = Parent;
    if (Grand == Parent) {
        Node->Parent = Node;
    } else {
        Node->Parent = Grand;
        if (Grand->LeftChild == Parent)
            Grand->LeftChild = Node;
        else
            Grand->RightChild = Node;
    }
    Parent->Parent = Node;
}

static PRTL_SPLAY_LINKS SplayNode(PRTL_SPLAY_LINKS Node)
{
    while (!IsRoot(Node)) {
        PRTL_SPLAY_LINKS Parent = Node->Parent;

        if (!IsRoot(Parent)) {
            BOOLEAN SameSide = (Parent->LeftChild == Node) == (Parent->Parent->LeftChild == Parent);

            LiftNode(SameSide ? Parent : Node);
        }
        LiftNode(Node);
    }
    return Node;
}

static PRTL_SPLAY_LINKS Leftmost(PRTL_SPLAY_LINKS Node)
{
    while (Node && Node->LeftChild)
        Node = Node->LeftChild;
    return Node;
}

static PRTL_SPLAY_LINKS Rightmost(PRTL_SPLAY_LINKS Node)
{
    while (Node && Node->RightChild)
        Node = Node->RightChild;
    return Node;
}

static PRTL_SPLAY_LINKS Successor(PRTL_SPLAY_LINKS Node)
{
    if (Node->RightChild)
        return Leftmost(Node->RightChild);
    while (!IsRoot(Node) && Node->Parent->RightChild == Node)
        Node = Node->Parent;
    return IsRoot(Node) ? NULL : Node->Parent;
}

static PRTL_SPLAY_LINKS Predecessor(PRTL_SPLAY_LINKS Node)
{
    if (Node->LeftChild)
        return Rightmost(Node->LeftChild);
    while (!IsRoot(Node) && Node->Parent->LeftChild == Node)
        Node = Node->Parent;
    return IsRoot(Node) ? NULL : Node->Parent;
}

/* Takes a node out; the new root, NULL when the tree is empty. */
static PRTL_SPLAY_LINKS RemoveNode(PRTL_SPLAY_LINKS Node)
{
    PRTL_SPLAY_LINKS Left, Right, Root;

    SplayNode(Node);
    Left = Node->LeftChild;
    Right = Node->RightChild;
    if (Left)
        Left->Parent = Left;
    if (Right)
        Right->Parent = Right;
    if (!Left)
        return Right;
    Root = SplayNode(Rightmost(Left));
    Root->RightChild = Right;
    if (Right)
        Right->Parent = Root;
    return Root;
}

PRTL_SPLAY_LINKS NTAPI RtlSplay(PRTL_SPLAY_LINKS Links)
{
    DDI_ENTER(RtlSplay);
    return SplayNode(Links);
}

PRTL_SPLAY_LINKS NTAPI RtlDelete(PRTL_SPLAY_LINKS Links)
{
    DDI_ENTER(RtlDelete);
    return RemoveNode(Links);
}

PRTL_SPLAY_LINKS NTAPI RtlSubtreeSuccessor(PRTL_SPLAY_LINKS Links)
{
    DDI_ENTER(RtlSubtreeSuccessor);
    return Leftmost(Links->RightChild);
}

PRTL_SPLAY_LINKS NTAPI RtlSubtreePredecessor(PRTL_SPLAY_LINKS Links)
{
    DDI_ENTER(RtlSubtreePredecessor);
    return Rightmost(Links->LeftChild);
}

PRTL_SPLAY_LINKS NTAPI RtlRealSuccessor(PRTL_SPLAY_LINKS Links)
{
    DDI_ENTER(RtlRealSuccessor);
    return Successor(Links);
}

PRTL_SPLAY_LINKS NTAPI RtlRealPredecessor(PRTL_SPLAY_LINKS Links)
{
    DDI_ENTER(RtlRealPredecessor);
    return Predecessor(Links);
}

/* ---- the table ----------------------------------------------------------------------------- */

static PVOID DataOf(PRTL_SPLAY_LINKS Links)
{
    return Links ? &CONTAINING_RECORD(Links, NODE, Links)->Data : NULL;
}

VOID NTAPI RtlInitializeGenericTable(PRTL_GENERIC_TABLE Table,
                                     PRTL_GENERIC_COMPARE_ROUTINE CompareRoutine,
                                     PRTL_GENERIC_ALLOCATE_ROUTINE AllocateRoutine,
                                     PRTL_GENERIC_FREE_ROUTINE FreeRoutine, PVOID TableContext)
{
    DDI_ENTER(RtlInitializeGenericTable);
    *Table = (RTL_GENERIC_TABLE){
        .CompareRoutine = CompareRoutine,
        .AllocateRoutine = AllocateRoutine,
        .FreeRoutine = FreeRoutine,
        .TableContext = TableContext,
    };
    InitializeListHead(&Table->InsertOrderList);
    Table->OrderedPointer = &Table->InsertOrderList;
}

static TABLE_SEARCH_RESULT Search(PRTL_GENERIC_TABLE Table, PVOID Buffer, PRTL_SPLAY_LINKS *Where)
{
    PRTL_SPLAY_LINKS Node = Table->TableRoot;

    *Where = NULL;
    if (!Node)
        return TableEmptyTree;
    for (;;) {
        RTL_GENERIC_COMPARE_RESULTS Order = Table->CompareRoutine(Table, Buffer, DataOf(Node));

        *Where = Node;
        if (Order == GenericEqual)
            return TableFoundNode;
        Node = Order == GenericLessThan ? Node->LeftChild : Node->RightChild;
        if (!Node)
            return Order == GenericLessThan ? TableInsertAsLeft : TableInsertAsRight;
    }
}

static PVOID InsertAt(PRTL_GENERIC_TABLE Table, PVOID Buffer, CLONG BufferSize, PBOOLEAN NewElement,
                      PRTL_SPLAY_LINKS Where, TABLE_SEARCH_RESULT Result)
{
    NODE *Node;

    if (NewElement)
        *NewElement = FALSE;
    if (Result == TableFoundNode) {
        Table->TableRoot = SplayNode(Where);
        return DataOf(Where);
    }
    Node = Table->AllocateRoutine(Table, BufferSize + FIELD_OFFSET(NODE, Data));
    if (!Node)
        return NULL;
    Node->Links = (RTL_SPLAY_LINKS){ .Parent = Where ? Where : &Node->Links };
    /* The Full form trusts its caller: a result without its parent faults here, as on Windows. */
    if (Result == TableInsertAsLeft)
        Where->LeftChild = &Node->Links; /* NOLINT(clang-analyzer-core.NullDereference) */
    else if (Result == TableInsertAsRight)
        Where->RightChild = &Node->Links; /* NOLINT(clang-analyzer-core.NullDereference) */
    __builtin_memcpy(&Node->Data, Buffer, BufferSize);
    InsertTailList(&Table->InsertOrderList, &Node->Order);
    Table->NumberGenericTableElements++;
    Table->TableRoot = SplayNode(&Node->Links);
    if (NewElement)
        *NewElement = TRUE;
    return &Node->Data;
}

PVOID NTAPI RtlInsertElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer, CLONG BufferSize,
                                         PBOOLEAN NewElement)
{
    PRTL_SPLAY_LINKS Where;
    TABLE_SEARCH_RESULT Result;

    DDI_ENTER(RtlInsertElementGenericTable);
    Result = Search(Table, Buffer, &Where);
    return InsertAt(Table, Buffer, BufferSize, NewElement, Where, Result);
}

PVOID NTAPI RtlInsertElementGenericTableFull(PRTL_GENERIC_TABLE Table, PVOID Buffer,
                                             CLONG BufferSize, PBOOLEAN NewElement,
                                             PVOID NodeOrParent, TABLE_SEARCH_RESULT SearchResult)
{
    DDI_ENTER(RtlInsertElementGenericTableFull);
    return InsertAt(Table, Buffer, BufferSize, NewElement, NodeOrParent, SearchResult);
}

static PVOID LookUp(PRTL_GENERIC_TABLE Table, PVOID Buffer, PRTL_SPLAY_LINKS *Where,
                    TABLE_SEARCH_RESULT *Result)
{
    *Result = Search(Table, Buffer, Where);
    if (*Where)
        Table->TableRoot = SplayNode(*Where);
    return *Result == TableFoundNode ? DataOf(*Where) : NULL;
}

PVOID NTAPI RtlLookupElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    PRTL_SPLAY_LINKS Where;
    TABLE_SEARCH_RESULT Result;

    DDI_ENTER(RtlLookupElementGenericTable);
    return LookUp(Table, Buffer, &Where, &Result);
}

PVOID NTAPI RtlLookupElementGenericTableFull(PRTL_GENERIC_TABLE Table, PVOID Buffer,
                                             PVOID *NodeOrParent, TABLE_SEARCH_RESULT *SearchResult)
{
    PRTL_SPLAY_LINKS Where;
    PVOID Data;

    DDI_ENTER(RtlLookupElementGenericTableFull);
    Data = LookUp(Table, Buffer, &Where, SearchResult);
    *NodeOrParent = Where;
    return Data;
}

BOOLEAN NTAPI RtlDeleteElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    PRTL_SPLAY_LINKS Where;
    NODE *Node;

    DDI_ENTER(RtlDeleteElementGenericTable);
    if (Search(Table, Buffer, &Where) != TableFoundNode)
        return FALSE;
    Table->TableRoot = RemoveNode(Where);
    Node = CONTAINING_RECORD(Where, NODE, Links);
    RemoveEntryList(&Node->Order);
    Table->NumberGenericTableElements--;
    Table->OrderedPointer = &Table->InsertOrderList;
    Table->WhichOrderedElement = 0;
    Table->FreeRoutine(Table, Node);
    return TRUE;
}

PVOID NTAPI RtlEnumerateGenericTableWithoutSplaying(PRTL_GENERIC_TABLE Table, PVOID *RestartKey)
{
    DDI_ENTER(RtlEnumerateGenericTableWithoutSplaying);
    PRTL_SPLAY_LINKS Node = *RestartKey ? Successor(*RestartKey) : Leftmost(Table->TableRoot);

    if (Node)
        *RestartKey = Node;
    return DataOf(Node);
}

/* The node that is returned becomes the root, which is where the next call goes on. */
PVOID NTAPI RtlEnumerateGenericTable(PRTL_GENERIC_TABLE Table, BOOLEAN Restart)
{
    PRTL_SPLAY_LINKS Node;

    DDI_ENTER(RtlEnumerateGenericTable);
    if (!Table->TableRoot)
        return NULL;
    Node = Restart ? Leftmost(Table->TableRoot) : Successor(Table->TableRoot);
    if (Node)
        Table->TableRoot = SplayNode(Node);
    return DataOf(Node);
}

/* In the order of insertion; walks on from the last one asked for. */
PVOID NTAPI RtlGetElementGenericTable(PRTL_GENERIC_TABLE Table, ULONG I)
{
    DDI_ENTER(RtlGetElementGenericTable);
    if (I >= Table->NumberGenericTableElements)
        return NULL;
    if (I + 1 < Table->WhichOrderedElement) {
        Table->OrderedPointer = &Table->InsertOrderList;
        Table->WhichOrderedElement = 0;
    }
    for (; Table->WhichOrderedElement < I + 1; Table->WhichOrderedElement++)
        Table->OrderedPointer = Table->OrderedPointer->Flink;
    return &CONTAINING_RECORD(Table->OrderedPointer, NODE, Order)->Data;
}

ULONG NTAPI RtlNumberGenericTableElements(PRTL_GENERIC_TABLE Table)
{
    DDI_ENTER(RtlNumberGenericTableElements);
    return Table->NumberGenericTableElements;
}

BOOLEAN NTAPI RtlIsGenericTableEmpty(PRTL_GENERIC_TABLE Table)
{
    DDI_ENTER(RtlIsGenericTableEmpty);
    return !Table->TableRoot;
}
