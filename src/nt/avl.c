/*
 * avl.c: RTL_AVL_TABLE: a balanced tree of elements that the table copies into memory from the
 * driver's allocation routine.
 *
 * The real root is BalancedRoot.RightChild, whose Parent is &BalancedRoot; Balance is the height of
 * the right subtree less that of the left one. A node is RTL_BALANCED_LINKS followed by the
 * element. The driver synchronises; its compare, allocate and free routines are called with nothing
 * of ours held.
 */
#include "nt/rtlp.h"

typedef struct _NODE {
    RTL_BALANCED_LINKS Links;
    LONGLONG Data; /* the element begins here */
} NODE;

static PVOID DataOf(PRTL_BALANCED_LINKS Links)
{
    return Links ? &CONTAINING_RECORD(Links, NODE, Links)->Data : NULL;
}

static PRTL_BALANCED_LINKS NodeOf(PVOID Data)
{
    return &CONTAINING_RECORD(Data, NODE, Data)->Links;
}

/* ---- walking ------------------------------------------------------------------------------- */

/* The child on a side: -1 left, 1 right. */
static PRTL_BALANCED_LINKS *Child(PRTL_BALANCED_LINKS Node, int Side)
{
    return Side < 0 ? &Node->LeftChild : &Node->RightChild;
}

static int SideOf(const RTL_BALANCED_LINKS *Node)
{
    return Node->Parent->LeftChild == Node ? -1 : 1;
}

/* The outermost node of a subtree on a side. */
static PRTL_BALANCED_LINKS Outermost(PRTL_BALANCED_LINKS Node, int Side)
{
    while (Node && *Child(Node, Side))
        Node = *Child(Node, Side);
    return Node;
}

/* The neighbour in order: 1 the next one, -1 the previous one; NULL at the end. */
static PRTL_BALANCED_LINKS Neighbour(const RTL_AVL_TABLE *Table, PRTL_BALANCED_LINKS Node, int Side)
{
    if (*Child(Node, Side))
        return Outermost(*Child(Node, Side), -Side);
    while (Node != &Table->BalancedRoot && SideOf(Node) == Side) {
        Node = Node->Parent;
        if (Node == &Table->BalancedRoot)
            return NULL;
    }
    Node = Node->Parent;
    return Node == &Table->BalancedRoot ? NULL : Node;
}

static PRTL_BALANCED_LINKS First(const RTL_AVL_TABLE *Table)
{
    return Outermost(Table->BalancedRoot.RightChild, -1);
}

static TABLE_SEARCH_RESULT Search(PRTL_AVL_TABLE Table, PVOID Buffer, PRTL_BALANCED_LINKS *Where)
{
    PRTL_BALANCED_LINKS Node = Table->BalancedRoot.RightChild;

    *Where = &Table->BalancedRoot;
    if (!Node)
        return TableEmptyTree;
    for (;;) {
        RTL_GENERIC_COMPARE_RESULTS Order = Table->CompareRoutine(Table, Buffer, DataOf(Node));

        *Where = Node;
        if (Order == GenericEqual)
            return TableFoundNode;
        Node = *Child(Node, Order == GenericLessThan ? -1 : 1);
        if (!Node)
            return Order == GenericLessThan ? TableInsertAsLeft : TableInsertAsRight;
    }
}

/* ---- balance ------------------------------------------------------------------------------- */

/* Puts New where Old hangs. */
static void Replace(PRTL_BALANCED_LINKS Old, PRTL_BALANCED_LINKS New)
{
    *Child(Old->Parent, SideOf(Old)) = New;
    if (New)
        New->Parent = Old->Parent;
}

/* Lifts the child on the side over its parent; the lifted one. */
static PRTL_BALANCED_LINKS Lift(PRTL_BALANCED_LINKS Parent, int Side)
{
    PRTL_BALANCED_LINKS Up = *Child(Parent, Side), Inner = *Child(Up, -Side);

    Replace(Parent, Up);
    *Child(Up, -Side) = Parent;
    Parent->Parent = Up;
    *Child(Parent, Side) = Inner;
    if (Inner)
        Inner->Parent = Parent;
    return Up;
}

/* Mends a node that is out of balance by two towards Side; the new root of the subtree. */
static PRTL_BALANCED_LINKS Rebalance(PRTL_BALANCED_LINKS Node, int Side)
{
    PRTL_BALANCED_LINKS Heavy = *Child(Node, Side), Inner;

    if (Heavy->Balance != -Side) {
        Lift(Node, Side);
        Node->Balance = (CHAR)(Heavy->Balance ? 0 : Side);
        Heavy->Balance = (CHAR)(Heavy->Balance ? 0 : -Side);
        return Heavy;
    }
    Inner = Lift(Heavy, -Side);
    Lift(Node, Side);
    Node->Balance = (CHAR)(Inner->Balance == Side ? -Side : 0);
    Heavy->Balance = (CHAR)(Inner->Balance == -Side ? Side : 0);
    Inner->Balance = 0;
    return Inner;
}

static void InsertNode(PRTL_AVL_TABLE Table, PRTL_BALANCED_LINKS Node, PRTL_BALANCED_LINKS Parent,
                       TABLE_SEARCH_RESULT Where)
{
    *Node = (RTL_BALANCED_LINKS){ .Parent = Parent };
    Table->NumberGenericTableElements++;
    Table->WhichOrderedElement = 0;
    if (Where == TableEmptyTree) {
        Table->BalancedRoot.RightChild = Node;
        Table->DepthOfTree = 1;
        return;
    }
    *Child(Parent, Where == TableInsertAsLeft ? -1 : 1) = Node;
    for (; Node->Parent != &Table->BalancedRoot; Node = Node->Parent) {
        int Side = SideOf(Node);

        Parent = Node->Parent;
        if (Parent->Balance == Side) {
            Rebalance(Parent, Side);
            return;
        }
        Parent->Balance = (CHAR)(Parent->Balance + Side);
        if (!Parent->Balance)
            return;
    }
    Table->DepthOfTree++;
}

/* The subtree on that side of Node has become lower by one. */
static void Shrunk(PRTL_AVL_TABLE Table, PRTL_BALANCED_LINKS Node, int Side)
{
    while (Node != &Table->BalancedRoot) {
        if (!Node->Balance) {
            Node->Balance = (CHAR)-Side;
            return;
        }
        if (Node->Balance == Side) {
            Node->Balance = 0;
        } else {
            Node = Rebalance(Node, -Side);
            if (Node->Balance)
                return;
        }
        Side = SideOf(Node);
        Node = Node->Parent;
    }
    Table->DepthOfTree--;
}

/* Gives Node's place in the tree, with its children and balance, to Other. */
static void TakePlace(PRTL_BALANCED_LINKS Node, PRTL_BALANCED_LINKS Other)
{
    Replace(Node, Other);
    Other->LeftChild = Node->LeftChild;
    Other->RightChild = Node->RightChild;
    Other->Balance = Node->Balance;
    if (Other->LeftChild)
        Other->LeftChild->Parent = Other;
    if (Other->RightChild)
        Other->RightChild->Parent = Other;
}

static void RemoveNode(PRTL_AVL_TABLE Table, PRTL_BALANCED_LINKS Node)
{
    PRTL_BALANCED_LINKS Leaf = Node, Parent;
    int Side;

    if (Table->RestartKey == Node)
        Table->RestartKey = Neighbour(Table, Node, -1);
    if (Node->LeftChild && Node->RightChild) /* a neighbour in order takes its place */
        Leaf = Outermost(*Child(Node, Node->Balance < 0 ? -1 : 1), Node->Balance < 0 ? 1 : -1);
    Parent = Leaf->Parent;
    Side = SideOf(Leaf);
    Replace(Leaf, Leaf->LeftChild ? Leaf->LeftChild : Leaf->RightChild);
    if (Leaf != Node) {
        if (Parent == Node)
            Parent = Leaf;
        TakePlace(Node, Leaf);
    }
    Shrunk(Table, Parent, Side);
    Table->NumberGenericTableElements--;
    Table->DeleteCount++;
    Table->WhichOrderedElement = 0;
}

/* ---- insert, look up, delete --------------------------------------------------------------- */

VOID NTAPI RtlInitializeGenericTableAvl(PRTL_AVL_TABLE Table,
                                        PRTL_AVL_COMPARE_ROUTINE CompareRoutine,
                                        PRTL_AVL_ALLOCATE_ROUTINE AllocateRoutine,
                                        PRTL_AVL_FREE_ROUTINE FreeRoutine, PVOID TableContext)
{
    DDI_ENTER(RtlInitializeGenericTableAvl);
    *Table = (RTL_AVL_TABLE){
        .CompareRoutine = CompareRoutine,
        .AllocateRoutine = AllocateRoutine,
        .FreeRoutine = FreeRoutine,
        .TableContext = TableContext,
    };
    Table->BalancedRoot.Parent = &Table->BalancedRoot;
}

static PVOID InsertAt(PRTL_AVL_TABLE Table, PVOID Buffer, CLONG BufferSize, PBOOLEAN NewElement,
                      PRTL_BALANCED_LINKS Where, TABLE_SEARCH_RESULT Result)
{
    NODE *Node;

    if (NewElement)
        *NewElement = FALSE;
    if (Result == TableFoundNode)
        return DataOf(Where);
    Node = Table->AllocateRoutine(Table, BufferSize + FIELD_OFFSET(NODE, Data));
    if (!Node)
        return NULL;
    __builtin_memcpy(&Node->Data, Buffer, BufferSize);
    InsertNode(Table, &Node->Links, Where, Result);
    if (NewElement)
        *NewElement = TRUE;
    return &Node->Data;
}

PVOID NTAPI RtlInsertElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer, CLONG BufferSize,
                                            PBOOLEAN NewElement)
{
    PRTL_BALANCED_LINKS Where;
    TABLE_SEARCH_RESULT Result;

    DDI_ENTER(RtlInsertElementGenericTableAvl);
    Result = Search(Table, Buffer, &Where);
    return InsertAt(Table, Buffer, BufferSize, NewElement, Where, Result);
}

PVOID NTAPI RtlInsertElementGenericTableFullAvl(PRTL_AVL_TABLE Table, PVOID Buffer,
                                                CLONG BufferSize, PBOOLEAN NewElement,
                                                PVOID NodeOrParent,
                                                TABLE_SEARCH_RESULT SearchResult)
{
    DDI_ENTER(RtlInsertElementGenericTableFullAvl);
    if (SearchResult == TableEmptyTree)
        NodeOrParent = &Table->BalancedRoot;
    return InsertAt(Table, Buffer, BufferSize, NewElement, NodeOrParent, SearchResult);
}

PVOID NTAPI RtlLookupElementGenericTableFullAvl(PRTL_AVL_TABLE Table, PVOID Buffer,
                                                PVOID *NodeOrParent,
                                                TABLE_SEARCH_RESULT *SearchResult)
{
    PRTL_BALANCED_LINKS Where;

    DDI_ENTER(RtlLookupElementGenericTableFullAvl);
    *SearchResult = Search(Table, Buffer, &Where);
    *NodeOrParent = *SearchResult == TableEmptyTree ? NULL : Where;
    return *SearchResult == TableFoundNode ? DataOf(Where) : NULL;
}

PVOID NTAPI RtlLookupElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer)
{
    PRTL_BALANCED_LINKS Where;

    DDI_ENTER(RtlLookupElementGenericTableAvl);
    return Search(Table, Buffer, &Where) == TableFoundNode ? DataOf(Where) : NULL;
}

/* Several elements may compare equal to a partial key: the first of them in order. */
PVOID NTAPI RtlLookupFirstMatchingElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer,
                                                         PVOID *RestartKey)
{
    DDI_ENTER(RtlLookupFirstMatchingElementGenericTableAvl);
    PRTL_BALANCED_LINKS Node = Table->BalancedRoot.RightChild, Match = NULL;

    while (Node) {
        RTL_GENERIC_COMPARE_RESULTS Order = Table->CompareRoutine(Table, Buffer, DataOf(Node));

        if (Order == GenericEqual)
            Match = Node;
        Node = *Child(Node, Order == GenericGreaterThan ? 1 : -1);
    }
    *RestartKey = Match;
    return DataOf(Match);
}

BOOLEAN NTAPI RtlDeleteElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer)
{
    PRTL_BALANCED_LINKS Node;

    DDI_ENTER(RtlDeleteElementGenericTableAvl);
    if (Search(Table, Buffer, &Node) != TableFoundNode)
        return FALSE;
    RemoveNode(Table, Node);
    Table->FreeRoutine(Table, CONTAINING_RECORD(Node, NODE, Links));
    return TRUE;
}

VOID NTAPI RtlDeleteElementGenericTableAvlEx(PRTL_AVL_TABLE Table, PVOID NodeOrParent)
{
    DDI_ENTER(RtlDeleteElementGenericTableAvlEx);
    RemoveNode(Table, NodeOrParent);
    Table->FreeRoutine(Table, NodeOrParent);
}

/* ---- enumerate ----------------------------------------------------------------------------- */

ULONG NTAPI RtlNumberGenericTableElementsAvl(PRTL_AVL_TABLE Table)
{
    DDI_ENTER(RtlNumberGenericTableElementsAvl);
    return Table->NumberGenericTableElements;
}

BOOLEAN NTAPI RtlIsGenericTableEmptyAvl(PRTL_AVL_TABLE Table)
{
    DDI_ENTER(RtlIsGenericTableEmptyAvl);
    return !Table->NumberGenericTableElements;
}

static PVOID EnumerateNext(PRTL_AVL_TABLE Table, PRTL_BALANCED_LINKS *Key)
{
    PRTL_BALANCED_LINKS Node = *Key ? Neighbour(Table, *Key, 1) : First(Table);

    if (Node)
        *Key = Node;
    return DataOf(Node);
}

PVOID NTAPI RtlEnumerateGenericTableAvl(PRTL_AVL_TABLE Table, BOOLEAN Restart)
{
    DDI_ENTER(RtlEnumerateGenericTableAvl);
    if (Restart)
        Table->RestartKey = NULL;
    return EnumerateNext(Table, &Table->RestartKey);
}

PVOID NTAPI RtlEnumerateGenericTableWithoutSplayingAvl(PRTL_AVL_TABLE Table, PVOID *RestartKey)
{
    DDI_ENTER(RtlEnumerateGenericTableWithoutSplayingAvl);
    PRTL_BALANCED_LINKS Key = *RestartKey;
    PVOID Data;

    Data = EnumerateNext(Table, &Key);
    *RestartKey = Key;
    return Data;
}

/* The first node that is not below the key; Skip: the first one above it. */
static PRTL_BALANCED_LINKS LowerBound(PRTL_AVL_TABLE Table, PVOID Buffer, BOOLEAN Skip)
{
    PRTL_BALANCED_LINKS Node;

    switch (Search(Table, Buffer, &Node)) {
    case TableEmptyTree:
        return NULL;
    case TableInsertAsLeft:
        return Node;
    case TableInsertAsRight:
        return Neighbour(Table, Node, 1);
    default:
        return Skip ? Neighbour(Table, Node, 1) : Node;
    }
}

PVOID NTAPI RtlEnumerateGenericTableLikeADirectory(PRTL_AVL_TABLE Table,
                                                   PRTL_AVL_MATCH_FUNCTION MatchFunction,
                                                   PVOID MatchData, ULONG NextFlag,
                                                   PVOID *RestartKey, PULONG DeleteCount,
                                                   PVOID Buffer)
{
    DDI_ENTER(RtlEnumerateGenericTableLikeADirectory);
    PRTL_BALANCED_LINKS Node = *RestartKey;

    if (!Node || *DeleteCount != Table->DeleteCount)
        Node = LowerBound(Table, Buffer, NextFlag != 0);
    else if (NextFlag)
        Node = Neighbour(Table, Node, 1);
    *DeleteCount = Table->DeleteCount;
    for (; Node; Node = Neighbour(Table, Node, 1)) {
        NTSTATUS Status =
            MatchFunction ? MatchFunction(Table, DataOf(Node), MatchData) : STATUS_SUCCESS;

        if (Status == STATUS_SUCCESS) {
            *RestartKey = Node;
            return DataOf(Node);
        }
        if (Status == STATUS_NO_MORE_MATCHES)
            return NULL;
    }
    return NULL;
}

/* The element of that rank; walking on from the last one asked for makes a loop linear. */
PVOID NTAPI RtlGetElementGenericTableAvl(PRTL_AVL_TABLE Table, ULONG I)
{
    DDI_ENTER(RtlGetElementGenericTableAvl);
    if (I >= Table->NumberGenericTableElements)
        return NULL;
    if (!Table->WhichOrderedElement || I + 1 < Table->WhichOrderedElement) {
        Table->OrderedPointer = DataOf(First(Table));
        Table->WhichOrderedElement = 1;
    }
    for (; Table->WhichOrderedElement < I + 1; Table->WhichOrderedElement++)
        Table->OrderedPointer = DataOf(Neighbour(Table, NodeOf(Table->OrderedPointer), 1));
    return Table->OrderedPointer;
}
